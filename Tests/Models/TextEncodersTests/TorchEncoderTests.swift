import Compute
import ModelTestSupport
import TestSupport
import Testing
import TorchCompute

@Suite("Text encoders on PyTorch's engine agree with the recordings", FoundTorch.isThere)
struct TorchEncoderTests {
  /// The host's bound.
  @Test("in float32", arguments: RecordedTexts.allCases)
  func float32(encoder: RecordedTexts) throws {
    let engine = try FoundTorch.engine()
    for (found, expected) in try FoundTorch.with(engine, { try encoder.states(0) }) {
      #expect(relativeError(found, expected) <= 1e-5)
    }
    // Every layer was computed there.
    #expect(engine.session.crossings.weights >= 12)
  }

  /// Some tens of roundings to bfloat16, of 2^-9 each and independent of each other.
  @Test("in bfloat16", arguments: RecordedTexts.allCases)
  func bfloat16(encoder: RecordedTexts) throws {
    let engine = try FoundTorch.engine(.bfloat16)
    for (found, expected) in try FoundTorch.with(engine, { try encoder.states(1) }) {
      let error = relativeError(found, expected)
      #expect(error <= 0.03 && error > 1e-4, "\(error)")
    }
  }

  /// Where the device's memory is known.
  @Test(
    "with the same bits where their layers go through two slots", arguments: RecordedTexts.allCases)
  func slots(encoder: RecordedTexts) throws {
    let streaming = try FoundTorch.engine(memory: .init(free: 1 << 33, total: 1 << 33))
    let before = streaming.session.liveTensorCount
    let found = try FoundTorch.with(streaming) { try encoder.states(2) }
    let expected = try FoundTorch.with(FoundTorch.engine()) { try encoder.states(2) }
    #expect(found.map(\.found) == expected.map(\.found))
    // With the encoder's own vectors the slots are given back.
    #expect(streaming.session.liveTensorCount == before)
    #expect(streaming.session.crossings.weights >= 12)
  }

  @Test("and stay on the host where two of their layers are too large for a device")
  func large() throws {
    let engine = try FoundTorch.engine(memory: .init(free: 1 << 33, total: 1 << 33))
    // 4 MiB, of which nothing is read; slots may have 512 MiB each.
    let weight = Weight(Tensor(shape: [1024, 1024], repeating: 0))
    func layers(_ count: Int) -> [[LinearLayer]] {
      [Array(repeating: LinearLayer(name: "a", weight: weight), count: count)]
    }
    let large = layers(129)
    #expect(engine.forTextEncoder(layers(128)) is TorchEngine)
    #expect(engine.forTextEncoder(large) is HostEngine)
    #expect(try FoundTorch.engine().forTextEncoder(large) is TorchEngine)
  }
}
