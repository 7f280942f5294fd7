import os
import unittest

from roman import from_roman, to_roman


class RomanTest(unittest.TestCase):
    def test_there_and_back(self):
        for number in range(1, 4000):
            self.assertEqual(from_roman(to_roman(number)), number)

    def test_known_years(self):
        # One "year numeral" a line.
        with open(os.environ["KNOWN_YEARS"], encoding="utf-8") as lines:
            for line in lines:
                year, numeral = line.split()
                self.assertEqual(to_roman(int(year)), numeral)

    def test_what_is_none(self):
        for text in ("", "IIII", "VX", "MIM", "abc"):
            with self.assertRaises(ValueError):
                from_roman(text)
        for number in (0, 4000):
            with self.assertRaises(ValueError):
                to_roman(number)


if __name__ == "__main__":
    unittest.main()
