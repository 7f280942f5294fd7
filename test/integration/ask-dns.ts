/**
 * Shell text for the image with Python: asks the sandbox's first name server itself, since hosts files answer first for names
 * that they have. Prints `answers: <number>`, or `refused: <code>`, or why there was no answer.
 */
export function askDns(name: string, server = ''): string {
  return `name='${name}' server='${server}' python3 -c '
import os, re, socket, struct
labels = os.environ["name"].split(".")
server = os.environ["server"] or re.search(r"^nameserver (\\S+)", open("/etc/resolv.conf").read(), re.M)[1]
question = b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\\0\\0\\x01\\0\\x01"
asked = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asked.settimeout(5)
try:
    asked.connect((server, 53))
    asked.send(struct.pack(">6H", 7, 0x100, 1, 0, 0, 0) + question)
    answer = asked.recv(512)
    _, flags, _, count, _, _ = struct.unpack(">6H", answer[:12])
    print(f"answers: {count}" if flags & 15 == 0 else f"refused: {flags & 15}")
except OSError as error: print("no answer:", error)'`;
}
