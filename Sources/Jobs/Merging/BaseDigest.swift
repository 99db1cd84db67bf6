internal import Concurrency
internal import Elements
internal import Files
internal import Rewriting
internal import Synchronization
internal import Tensors

/// A digest of the base's tensors that is computed while they are read: cheap enough for every merge,
/// and enough to tell bases apart. It is no protection against forgery.
///
/// XXH3-64 over the XXH3-64 of every portion of ``TensorPortions/size`` elements, eight bytes each,
/// little-endian, tensors in the order of their names' bytes.
final class BaseDigest: Sendable {
  private struct Part {
    let name: [UInt8]
    let first: Int
    let checksum: UInt64
  }

  private let parts = Mutex<[Part]>([])

  /// Takes a portion of a tensor that is a whole tensor of the base.
  func add(_ elements: Range<Int>, of tensor: PlannedTensor) throws {
    guard case .elements(let pieces, _) = tensor.origin, pieces.count == 1,
      pieces[0].elements.count == pieces[0].tensor.elementCount
    else { return }
    let view = pieces[0].tensor
    let sum = try view.withBytes(view.dtype.byteRange(of: elements)) { checksum($0) }
    parts.withLock {
      $0.append(Part(name: Array(view.name.utf8), first: elements.lowerBound, checksum: sum))
    }
  }

  /// The digest of all tensors of a checkpoint.
  static func hexadecimal(of source: TensorSource) throws -> String {
    let digest = BaseDigest()
    let tensors = source.tensors.filter { $0.elementCount > 0 }
    try Parallel.forEachThrowing(tensors.count, work: source.byteCount) {
      index throws(any Error) in
      let planned = PlannedTensor(
        name: tensors[index].name, shape: tensors[index].shape,
        origin: .elements([TensorPiece(tensors[index])], .copy))
      let count = tensors[index].elementCount
      for start in stride(from: 0, to: count, by: TensorPortions.size) {
        try digest.add(start..<min(count, start + TensorPortions.size), of: planned)
      }
    }
    return digest.hexadecimal ?? ""
  }

  /// The digest of everything taken, as 16 hexadecimal digits; nil when nothing was.
  var hexadecimal: String? {
    let sorted = parts.withLock { $0 }.sorted { left, right in
      left.name == right.name
        ? left.first < right.first : left.name.lexicographicallyPrecedes(right.name)
    }
    guard !sorted.isEmpty else { return nil }
    let sums = sorted.map(\.checksum.littleEndian)
    let digest = String(unsafe checksum(sums.span.bytes), radix: 16)
    return String(repeating: "0", count: 16 - digest.count) + digest
  }
}
