import Elements
import FuzzSupport
import Safetensors
import Tensors

@testable import Compression

/// A packed stream, its table's checksum made right, since no mutation survives it: what is accepted
/// is restored, or refused by a chunk's own checksum.
@main
enum PackedTarget: FuzzTarget {
  /// Larger tensors are not restored: a stream of a few bytes may stand for one of gigabytes.
  private static let byteLimit = 1 << 16

  private static let shared = ChunkReading()
  /// Numbers the streams, because the chunks read last are kept by number.
  private nonisolated(unsafe) static var number = 0

  static func run(_ input: RawSpan) {
    let stream = repaired(input.array)
    let table: PackedTable
    do { table = try PackedTable(parsing: unsafe stream.span.bytes) } catch {
      _ = "\(error)"
      return
    }
    promise(table.byteCount >= 0 && table.chunkCount >= 0, "sizes are sizes")
    guard table.byteCount <= byteLimit else { return }
    unsafe number += 1
    let base = TensorView(
      name: "base", dtype: .u8, shape: [table.byteCount],
      copying: unsafe [UInt8](repeating: 7, count: table.byteCount).span.bytes)
    let content = CompressedContent(
      TensorView(
        name: "stream", dtype: .u8, shape: [stream.count], copying: unsafe stream.span.bytes),
      table: table, tensor: unsafe number, base: table.usesBase ? base : nil, shared: shared)
    let view = TensorView(
      name: "tensor", dtype: .u8, shape: [table.byteCount], content: content)
    for range in [0..<table.byteCount, table.byteCount / 3..<table.byteCount / 2]
    where !range.isEmpty {
      do { try view.withBytes(range) { promise($0.byteCount == range.count, "all bytes") } } catch {
        _ = "\(error)"
      }
    }
  }

  /// The stream with the checksum of its table, where the table lies in it.
  private static func repaired(_ stream: [UInt8]) -> [UInt8] {
    guard stream.count >= PackedTable.headByteCount, stream[4] <= 8 else { return stream }
    let chunkCount = stream[20..<24].reversed().reduce(0) { $0 << 8 | Int($1) }
    let end = PackedTable.byteCount(
      chunkCount: chunkCount, elementByteCount: Int(stream[4]), usesBase: stream[5] == 1)
    guard end <= stream.count else { return stream }
    var result = stream
    let start = end - PackedTable.checksumByteCount
    let sum = xxh3(Array(stream[..<start]))
    for byte in 0..<8 { result[start + byte] = UInt8(truncatingIfNeeded: sum >> (8 * byte)) }
    return result
  }
}
