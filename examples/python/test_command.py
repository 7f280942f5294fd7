import subprocess
import sys
import unittest


class CommandTest(unittest.TestCase):
    def test_prints_numerals(self):
        result = subprocess.run([sys.executable, "roman.py", "4", "2026"], capture_output=True, text=True, check=True)
        self.assertEqual(result.stdout, "4 IV\n2026 MMXXVI\n")


if __name__ == "__main__":
    unittest.main()
