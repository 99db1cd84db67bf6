internal import Text

/// The sizes of one checkpoint: named dimensions, the numbers of its blocks, and its flags.
public struct Dimensions: Sendable, Equatable {
  /// Named sizes, such as `hidden`; one that can't be read off the tensors is absent.
  public var sizes: [String: Int]
  /// The numbers of the blocks of each kind, ascending; without gaps in a sound checkpoint.
  public var blockNumbers: [String: [Int]]
  /// What the checkpoint has or lacks, such as `guidance`.
  public var flags: [String: Bool]

  /// Sizes, counts of blocks (numbered from 0) and flags.
  public init(sizes: [String: Int], blockCounts: [String: Int], flags: [String: Bool] = [:]) {
    self.sizes = sizes
    blockNumbers = blockCounts.mapValues { Array(0..<$0) }
    self.flags = flags
  }

  /// A size or a count of blocks.
  public subscript(name: String) -> Int? { sizes[name] ?? blockNumbers[name]?.count }

  /// How many blocks of a kind there are; 0 for a kind that there isn't.
  public func blockCount(_ kind: String) -> Int { blockNumbers[kind]?.count ?? 0 }

  /// Largest size that is believed: far beyond any model, small enough to multiply.
  public static let largestSize = 1 << 24
  /// Largest block number that is believed.
  static let largestBlockNumber = 9_999
}

extension Dimensions {
  /// Reads the dimensions of a family's checkpoint off its tensors.
  ///
  /// - Parameters:
  ///   - family: whose dimensions.
  ///   - layout: the names the tensors have after `prefix`.
  ///   - prefix: what stands before every name.
  ///   - names: every tensor's full name.
  ///   - shape: the shape of the tensor of a full name, or nil.
  init(
    of family: ModelFamily, layout: Layout, prefix: String, names: some Collection<String>,
    shape: (String) -> [Int]?
  ) {
    self.init(sizes: [:], blockCounts: [:])
    for dimension in family.dimensions {
      for (tensor, axis) in dimension.sources {
        guard let shape = shape(prefix + tensor), axis < shape.count else { continue }
        if (1...Self.largestSize).contains(shape[axis]) { sizes[dimension.name] = shape[axis] }
        break
      }
    }
    for flag in family.flags {
      let tensors = flag.tensors + (flag.marker.map { [$0] } ?? [])
      flags[flag.name] = tensors.contains { shape(prefix + $0) != nil }
    }
    readBlockNumbers(of: family, layout: layout, prefix: prefix, names: names)
  }

  private mutating func readBlockNumbers(
    of family: ModelFamily, layout: Layout, prefix: String, names: some Collection<String>
  ) {
    for kind in family.blocks {
      let head = prefix + layout.blockPath(of: kind) + "."
      var found: Set<Int> = []
      for name in names where name.utf8HasPrefix(head) {
        let rest = name.utf8.span.extracting(droppingFirst: head.utf8.count)
        guard let (number, _) = blockNumber(at: rest), number <= Self.largestBlockNumber else {
          continue
        }
        found.insert(number)
      }
      blockNumbers[kind.name] = found.sorted()
    }
  }
}
