internal import Synchronization

/// Factors of a weight's blocks that were made with its codes, so that the tensor of the factors needs no second
/// pass over the weight. It is small beside the weight: a byte for every 16 or 32 of its elements.
final class BlockFactors: Sendable {
  private let found: Mutex<(bytes: [UInt8], count: Int)>
  private let blockCount: Int

  /// None yet, of so many blocks.
  init(blockCount: Int) {
    self.blockCount = blockCount
    found = Mutex(([], 0))
  }

  /// Keeps the factors of blocks from `first` on; each is given once.
  func keep(_ factors: [UInt8], from first: Int) {
    found.withLock { found in
      if found.bytes.isEmpty { found.bytes = [UInt8](repeating: 0, count: blockCount) }
      found.bytes.replaceSubrange(first..<first + factors.count, with: factors)
      found.count += factors.count
    }
  }

  /// All factors, row after row; nil while some are missing.
  var all: [UInt8]? { found.withLock { $0.count == blockCount ? $0.bytes : nil } }

  /// Forgets them.
  func drop() { found.withLock { $0 = ([], 0) } }
}
