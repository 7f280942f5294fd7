import type { OutputStream } from '../runner/output.ts';

/** A piece of one stream of attached output. Pieces come in the order in which Podman sent them. */
export interface OutputPiece {
  readonly stream: OutputStream;
  readonly data: Uint8Array;
}

/** The stream did not follow the protocol, or ended inside a frame. */
export class FrameError extends Error {
  override readonly name = 'FrameError';
}

const headerLength = 8;

/**
 * Takes apart Docker's multiplexed stream (one byte stream type, three zero bytes, four bytes big-endian payload length,
 * payload; see "Stream format" in the Docker API's description of attach). Frames may be cut anywhere. A payload is passed
 * on as it arrives, so a frame of any size costs no memory, and neighbouring frames of one stream that arrived together
 * become one piece, so a flood of one-byte frames does not become a flood of writes. Pulling is the backpressure: nothing
 * is read from `source` before the piece before was taken.
 * @throws FrameError for a malformed header, Podman's own error frame, or an end inside a frame.
 */
export async function* demultiplex(source: AsyncIterable<Uint8Array>): AsyncGenerator<OutputPiece, void, undefined> {
  const header = new Uint8Array(headerLength);
  let headerFilled = 0;
  let payloadLeft = 0;
  let stream: OutputStream = 'stdout';
  let failed = false;

  for await (const chunk of source) {
    let offset = 0;
    let pending: Uint8Array[] = [];
    let pendingStream = stream;

    try {
      while (offset < chunk.length) {
        if (payloadLeft === 0) {
          const taken = Math.min(headerLength - headerFilled, chunk.length - offset);
          header.set(chunk.subarray(offset, offset + taken), headerFilled);
          headerFilled += taken;
          offset += taken;
          if (headerFilled < headerLength) break;
          headerFilled = 0;
          ({ stream, failed } = readType(header));
          payloadLeft = new DataView(header.buffer).getUint32(4);
          if (failed && payloadLeft === 0) throw new FrameError('Podman reported an error without a text');
          continue;
        }
        const data = chunk.subarray(offset, offset + payloadLeft);
        offset += data.length;
        payloadLeft -= data.length;
        if (failed) throw new FrameError(`Podman reported: ${Buffer.from(data).toString('utf8').slice(0, 500)}`);
        if (stream !== pendingStream && pending.length > 0) {
          yield { stream: pendingStream, data: joined(pending) };
          pending = [];
        }
        pendingStream = stream;
        pending.push(data);
      }
    } catch (error) {
      // What came before the error is the job's output all the same.
      if (pending.length > 0) yield { stream: pendingStream, data: joined(pending) };
      throw error;
    }
    if (pending.length > 0) yield { stream: pendingStream, data: joined(pending) };
  }
  if (headerFilled > 0 || payloadLeft > 0) throw new FrameError('the output ended in the middle of a frame');
}

function readType(header: Uint8Array): { stream: OutputStream; failed: boolean } {
  const [type = 0, ...padding] = header.subarray(0, 4);
  if (type > 3 || padding.some((byte) => byte !== 0)) {
    throw new FrameError(`not a frame header: ${Buffer.from(header).toString('hex')}`);
  }
  return { stream: type === 2 ? 'stderr' : 'stdout', failed: type === 3 };
}

function joined(pieces: Uint8Array[]): Uint8Array {
  return pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces);
}
