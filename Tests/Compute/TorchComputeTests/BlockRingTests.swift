import Synchronization
import Testing
import TorchCompute

/// A device that is told everything first and then does it, each of its two streams as early as it may while the
/// other is as late as it may be: what no event keeps in order happens in the wrong one.
private final class PlayedDevice: BlockCopying {
  /// What a stream was told.
  private enum Step {
    /// Wait until the other stream has done so many.
    case wait(Int)
    case copy(block: Int, slot: Int)
    case read(block: Int, slot: Int)
  }

  private struct Told {
    var computing: [Step] = []
    var copying: [Step] = []
    /// Steps of computing that a slot's next copy waits for, and of copying that its readers wait for.
    var released: [Int: Int] = [:]
    var copied: [Int: Int] = [:]
  }

  /// Calls that do nothing, to see that it shows.
  let ignoresReleases: Bool
  let ignoresAwaits: Bool
  private let told = Mutex(Told())

  init(ignoresReleases: Bool = false, ignoresAwaits: Bool = false) {
    self.ignoresReleases = ignoresReleases
    self.ignoresAwaits = ignoresAwaits
  }

  /// Blocks that were copied, in order.
  var copies: [Int] {
    told.withLock { told in
      told.copying.compactMap { if case .copy(let block, _) = $0 { block } else { nil } }
    }
  }

  func release(_ slot: Int) {
    guard !ignoresReleases else { return }
    told.withLock { $0.released[slot] = $0.computing.count }
  }

  func copy(_ block: Int, to slot: Int) {
    told.withLock { told in
      told.copying.append(.wait(told.released[slot] ?? 0))
      told.copying.append(.copy(block: block, slot: slot))
      told.copied[slot] = told.copying.count
    }
  }

  func await(_ slot: Int) {
    guard !ignoresAwaits else { return }
    told.withLock { $0.computing.append(.wait($0.copied[slot] ?? 0)) }
  }

  func read(_ block: Int, _ slot: Int) {
    told.withLock { $0.computing.append(.read(block: block, slot: slot)) }
  }

  /// Does it all.
  ///
  /// - Returns: how many reads found another block, or none; nil where both streams wait for each other.
  func wrongReads(copiesFirst: Bool) -> Int? {
    let told = told.withLock { $0 }
    var (computed, copied, wrong) = (0, 0, 0)
    var slots: [Int: Int] = [:]
    func compute() -> Bool {
      guard computed < told.computing.count else { return false }
      switch told.computing[computed] {
      case .wait(let count): guard copied >= count else { return false }
      case .read(let block, let slot): wrong += slots[slot] == block ? 0 : 1
      case .copy: return false
      }
      computed += 1
      return true
    }
    func copy() -> Bool {
      guard copied < told.copying.count else { return false }
      switch told.copying[copied] {
      case .wait(let count): guard computed >= count else { return false }
      case .copy(let block, let slot): slots[slot] = block
      case .read: return false
      }
      copied += 1
      return true
    }
    while copiesFirst ? copy() || compute() : compute() || copy() {}
    return computed == told.computing.count && copied == told.copying.count ? wrong : nil
  }
}

@Suite("A ring of slots")
struct BlockRingTests {
  /// Runs blocks as a transformer does: each asks for its successor as it begins, backwards for its predecessor, and
  /// is used twice forwards (products) and three times backwards. The last one asks for the first where no backward
  /// pass follows.
  private func run(_ ring: BlockRing, _ device: PlayedDevice, blocks: Int, backward: Bool) throws {
    func use(_ block: Int, times: Int) throws {
      for _ in 0..<times { try ring.with(block) { device.read(block, $0) } }
    }
    try ring.prepare(0)
    for block in 0..<blocks {
      if block + 1 < blocks || !backward { try ring.prepare((block + 1) % blocks) }
      try use(block, times: 2)
    }
    guard backward else { return }
    for block in (0..<blocks).reversed() {
      if block > 0 { try ring.prepare(block - 1) }
      try use(block, times: 3)
    }
  }

  @Test(
    "gives every pass its blocks, whichever stream is late", arguments: 1...7, 2...3)
  func order(blocks: Int, slots: Int) throws {
    let device = PlayedDevice()
    let ring = BlockRing(slots: slots, device)
    for backward in [true, false, false, true, true] {
      try run(ring, device, blocks: blocks, backward: backward)
    }
    #expect(device.wrongReads(copiesFirst: true) == 0)
    #expect(device.wrongReads(copiesFirst: false) == 0)
  }

  /// Forwards all seven; backwards but the two that are there; then forwards but the two.
  @Test("copies a block only where it isn't there")
  func turns() throws {
    let device = PlayedDevice()
    let ring = BlockRing(slots: 2, device)
    for _ in 0..<2 { try run(ring, device, blocks: 7, backward: true) }
    #expect(
      device.copies
        == Array(0..<7) + (0..<5).reversed() + Array(2..<7) + (0..<5).reversed())
  }

  /// Of four blocks the first is there when a pass ends; then the other three and the first again.
  @Test("has the first block of the next pass when a pass without gradients ends")
  func passes() throws {
    let device = PlayedDevice()
    let ring = BlockRing(slots: 2, device)
    for _ in 0..<2 { try run(ring, device, blocks: 4, backward: false) }
    #expect(device.copies == [0, 1, 2, 3, 0, 1, 2, 3, 0])
    #expect(device.wrongReads(copiesFirst: true) == 0)
  }

  @Test("is in order for blocks that nobody asked for before, in any order")
  func unannounced() throws {
    let device = PlayedDevice()
    let ring = BlockRing(slots: 2, device)
    for block in [3, 0, 3, 1, 2, 2, 0, 3, 1, 0] { try ring.with(block) { device.read(block, $0) } }
    #expect(device.wrongReads(copiesFirst: true) == 0)
    #expect(device.wrongReads(copiesFirst: false) == 0)
  }

  @Test("needs both its events: without either, blocks are wrong")
  func events() throws {
    let overwritten = PlayedDevice(ignoresReleases: true)
    try run(BlockRing(slots: 2, overwritten), overwritten, blocks: 5, backward: true)
    #expect(overwritten.wrongReads(copiesFirst: true) ?? 0 > 0)
    let early = PlayedDevice(ignoresAwaits: true)
    try run(BlockRing(slots: 2, early), early, blocks: 5, backward: true)
    #expect(early.wrongReads(copiesFirst: false).map { $0 > 0 } ?? true)
  }

  private struct Failure: Error {}

  /// Copies nothing while it is told to fail.
  private final class FailingDevice: BlockCopying {
    let fails = Mutex(true)
    func release(_ slot: Int) {}
    func copy(_ block: Int, to slot: Int) throws {
      if fails.withLock({ $0 }) { throw Failure() }
    }
    func await(_ slot: Int) {}
  }

  @Test("holds no block whose copy failed")
  func failing() throws {
    let device = FailingDevice()
    let ring = BlockRing(slots: 2, device)
    #expect(throws: Failure.self) { try ring.prepare(0) }
    #expect(throws: Failure.self) { try ring.with(0) { _ in } }
    device.fails.withLock { $0 = false }
    try ring.with(0) { _ in }
  }
}
