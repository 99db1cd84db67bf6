import Compute
import DiffusionTransformers
import Elements
import ModelTestSupport
import Synchronization
import Tensors
import TestSupport
import Testing
import TorchCompute

/// Counts the blocks that are copied.
private final class CountedCopies: BlockCopying {
  private let copies: any BlockCopying
  private let copied: @Sendable (_ block: Int) -> Void

  init(_ copies: any BlockCopying, _ copied: @escaping @Sendable (_ block: Int) -> Void) {
    self.copies = copies
    self.copied = copied
  }

  func release(_ slot: Int) throws { try copies.release(slot) }
  func await(_ slot: Int) throws { try copies.await(slot) }
  func copy(_ block: Int, to slot: Int) throws {
    copied(block)
    try copies.copy(block, to: slot)
  }
}

/// How much there is of a device's memory.
private enum Room: CaseIterable, CustomTestStringConvertible {
  /// Enough for a ring alone.
  case ring
  /// And for the last block.
  case lastBlock

  var testDescription: String { "\(self)" }
}

@Suite("Blocks that go through a ring", FoundTorch.isThere)
struct TorchRingTests {
  /// So much that layers that act on one vector stay on the device, whatever is free.
  private static let total = 1 << 50

  /// The plan of a refusal.
  private func refusal(_ layers: PassLayers, free: Int, beside: Int = 0) throws -> Residency? {
    let engine = try FoundTorch.engine(memory: .init(free: free, total: Self.total))
    do { _ = try engine.admit(layers, beside: beside) } catch let error as TorchError {
      if case .tooLarge(let plan) = error { return plan }
      throw error
    }
    return nil
  }

  /// An engine with room for a ring and some blocks.
  private func engine(
    _ layers: PassLayers, _ precision: ProductPrecision, _ room: Room,
    copied: @escaping @Sendable (_ block: Int) -> Void = { _ in }
  ) throws -> TorchEngine {
    let widest = try FoundTorch.engine(precision, memory: .init(free: 0, total: Self.total))
    var least = 0
    do { _ = try widest.admit(layers, beside: 0) } catch TorchError.tooLarge(let plan) {
      least = plan.byteCount
    }
    let last = layers.blocks.last?.reduce(0) { $0 + 2 * $1.weight.rows * $1.weight.columns } ?? 0
    let free = least + (room == .ring ? 0 : last)
    let engine = try FoundTorch.engine(
      precision, memory: .init(free: free, total: Self.total),
      watch: { CountedCopies($0, copied) })
    let plan = try #require(try engine.admit(layers, beside: 0))
    #expect(plan.slotCount == 2 && plan.byteCount <= free && plan.hostByteCount == 0)
    #expect(room == .ring ? plan.residentBlockCount == 0 : plan.residentBlockCount > 0)
    return engine
  }

  @Test(
    "train and draw with the bits of those that stay",
    arguments: Recording.allCases, Room.allCases)
  private func bits(recording: Recording, room: Room) throws {
    let step = try RecordedStep(recording)
    let model = try recording.transformer()
    let copies = Mutex<[Int]>([])
    let ring = try engine(model.passLayers, .float32, room) { block in
      copies.withLock { $0.append(block) }
    }
    let found = try step.trained { adapter in
      try step.run(on: ring, model, adapter: adapter, recomputes: true).gradients
    }
    let streamed = Set(copies.withLock { $0 }).count
    #expect(streamed >= 3)
    // Each turn finds the two blocks that the one before left.
    #expect(copies.withLock { $0.count } == streamed + 39 * (streamed - 2))
    let resident = try FoundTorch.engine()
    let same = try recording.transformer()
    #expect(
      found
        == (try step.trained { adapter in
          try step.run(on: resident, same, adapter: adapter, recomputes: true).gradients
        }))
    let slowFast = try SlowFast(recording)
    #expect(try slowFast.latent(on: ring, model) == slowFast.latent(on: resident, same))
  }

  @Test("do so in bfloat16, which is made of float32 on the way", arguments: Recording.allCases)
  func bfloat16(recording: Recording) throws {
    let step = try RecordedStep(recording)
    let (model, same) = (try recording.transformer(), try recording.transformer())
    let ring = try engine(model.passLayers, .bfloat16, .ring)
    let found = try step.run(on: ring, model, recomputes: true)
    let expected = try step.run(on: FoundTorch.engine(.bfloat16), same, recomputes: true)
    #expect(found.loss == expected.loss)
    #expect(found.gradients.keys == expected.gradients.keys)
    for (module, gradient) in found.gradients {
      #expect(gradient.up == expected.gradients[module]?.up)
    }
  }

  @Test("are refused with the numbers where not even two fit, and stay where all fit")
  func admission() throws {
    let layers = try Recording.flux.transformer().passLayers
    func bytes(_ layers: [LinearLayer]) -> Int {
      layers.reduce(0) { $0 + 2 * $1.weight.rows * $1.weight.columns }
    }
    let (blocks, others) = (layers.blocks.map(bytes), bytes(layers.aroundBlocks + layers.ofVectors))
    let beside = 3_000_000_000
    let refused = try #require(try refusal(layers, free: 4_000_000_000, beside: beside))
    #expect(refused.residentBlockCount == 0 && refused.residentByteCount == others)
    #expect(refused.ringByteCount == 2 * (blocks.max() ?? 0))
    #expect(
      "\(TorchError.tooLarge(refused))"
        == "--device \(FoundTorch.device): 903 kB of weights, a ring of 2 slots of 442 kB for other blocks and "
        + "4.6 GB beside them do not fit into 4.0 GB that are free of 1125899.9 GB: take a smaller picture "
        + "(--size, --resolution), more --device-memory where that is given, or another --device")
    let engine = try FoundTorch.engine(memory: .init(free: 8_000_000_000, total: 8_000_000_000))
    let all = try #require(try engine.admit(layers, beside: beside))
    #expect(all.residentBlockCount == blocks.count && all.slotCount == 0)
    #expect(all.residentByteCount == others + blocks.reduce(0, +) && all.hostByteCount == 0)
    #expect(all.copiesBesideComputing == !["mps", "xpu"].contains("\(FoundTorch.device)"))
    // Bytes for activations are those that are left.
    #expect(engine.freeByteCount(beside: layers) == 8_000_000_000 - all.byteCount + beside)
    // What was decided for more holds for less.
    #expect(try engine.admit(layers, beside: 1) == all)
    // All weights are more than 70 % of this device, which hasn't room for them either.
    let total = (others + blocks.reduce(0, +)) * 4 / 3
    let small = try FoundTorch.engine(memory: .init(free: total, total: total))
    #expect(throws: TorchError.self) { try small.admit(layers, beside: 0) }
    #expect(small.freeByteCount(beside: layers) == 0)
  }

  @Test("give their memory back when another model comes")
  func memory() throws {
    var model: (any DiffusionTransformer)? = try Recording.qwen.transformer()
    let engine = try engine(try #require(model).passLayers, .float32, .ring)
    let step = try RecordedStep(.qwen)
    _ = try step.run(on: engine, model, recomputes: true)
    let before = engine.session.liveTensorCount
    _ = try step.run(on: engine, model, recomputes: true)
    #expect(engine.session.liveTensorCount == before)
    model = nil
    let slots = engine.session.liveTensorCount
    let other = try Recording.qwen.transformer()
    #expect(try engine.admit(other.passLayers, beside: 0)?.slotCount == 2)
    #expect(engine.session.liveTensorCount == slots - 2)
  }
}

@Suite("Weights in every form", FoundTorch.isThere)
struct TorchWeightFormTests {
  /// x · wᵀ of the unit matrix: the weight itself, `[columns, rows]`, without a rounding of its own.
  private func numbers(of weight: Weight, on engine: any Engine) -> [Float] {
    let columns = weight.columns
    var unit = [Float](repeating: 0, count: columns * columns)
    for index in 0..<columns { unit[index * columns + index] = 1 }
    return engine.product(Tensor(shape: [columns, columns], unit), transposed: weight).floats
  }

  private func expected(_ weight: Weight, _ precision: ProductPrecision) throws -> [Float] {
    let floats = try weight.stored.floats()
    return (0..<weight.columns).flatMap { column in
      (0..<weight.rows).map { row in
        let value = floats[row * weight.columns + column]
        return precision == .bfloat16 ? Float(BFloat16(value)) : value
      }
    }
  }

  @Test(
    "are the numbers that the file stands for, rounded once where products round",
    arguments: ProductPrecision.allCases)
  func resident(precision: ProductPrecision) throws {
    for (name, weight) in Primitive.weights {
      let engine = try FoundTorch.engine(precision)
      #expect(numbers(of: weight, on: engine) == (try expected(weight, precision)), "\(name)")
    }
  }

  @Test("are so in a ring's slots", arguments: ProductPrecision.allCases)
  func streamed(precision: ProductPrecision) throws {
    // As blocks of their own, each of one weight and twice.
    let blocks = Primitive.weights.map { name, weight in
      [LinearLayer(name: name, weight: weight), LinearLayer(name: name, weight: weight)]
    }
    let layers = PassLayers(blocks: blocks, aroundBlocks: [], ofVectors: [])
    let engine = try FoundTorch.engine(precision, memory: .init(free: 0, total: 1 << 50))
    var least = 0
    do { _ = try engine.admit(layers, beside: 0) } catch TorchError.tooLarge(let plan) {
      least = plan.byteCount
    }
    let ring = try FoundTorch.engine(precision, memory: .init(free: least, total: 1 << 50))
    #expect(try ring.admit(layers, beside: 0)?.residentBlockCount == 0)
    for (index, block) in blocks.enumerated() {
      if index + 1 < blocks.count { ring.prepare(blocks[index + 1]) }
      #expect(
        numbers(of: block[0].weight, on: ring) == (try expected(block[0].weight, precision)),
        "\(block[0].name)")
      #expect(!block[0].weight.isCopied(in: ring.session))
    }
  }

  /// Mean, one factor for all, for rows and for runs; those of tiles are widened on the host.
  @Test(
    "of eight bits stay so on the device, and are counted so", arguments: ProductPrecision.allCases)
  func eightBits(precision: ProductPrecision) throws {
    let wide = precision == .bfloat16 ? 2 : 4
    for (name, weight) in Primitive.weights where name.contains("float8") {
      let count = 20 * 48 * (name.contains("tiles") ? wide : 1)
      let rounded = (count + 511) / 512 * 512
      let engine = try FoundTorch.engine(precision)
      let layers = PassLayers(
        blocks: [[LinearLayer(name: name, weight: weight)]], aroundBlocks: [], ofVectors: [])
      let plan = try #require(try engine.admit(layers, beside: 0))
      #expect(plan.residentByteCount == rounded, "\(name)")
      let made =
        name.contains("tiles") ? 0 : name.contains("scaled") && wide == 2 ? 6 : wide
      #expect(plan.widenedByteCount == 20 * 48 * made, "\(name)")
      _ = numbers(of: weight, on: engine)
      // Where the processor is the device they stay in the file.
      let isThere = FoundTorch.device.isProcessor && !name.contains("tiles")
      #expect(engine.session.crossings.weightByteCount == (isThere ? 0 : count), "\(name)")
    }
  }
}
