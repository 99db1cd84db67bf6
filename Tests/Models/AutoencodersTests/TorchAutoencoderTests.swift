import Autoencoders
import Compute
import ModelTestSupport
import TestSupport
import Testing
import TorchCompute

@Suite("Autoencoders on PyTorch's engine agree with the recordings", FoundTorch.isThere)
struct TorchAutoencoderTests {
  /// Errors of means, variances and of a decoded picture that is not square.
  private func errors(_ family: Family, on engine: TorchEngine) throws -> [Double] {
    let autoencoder = try family.autoencoder()
    let (encoded, decoded) = try FoundTorch.with(engine) {
      (
        try autoencoder.encode(family.recorded("pixels")),
        try autoencoder.decode(family.recorded("latent_in"))
      )
    }
    return [
      relativeError(encoded.rawMean.floats, try family.recorded("mean").floats),
      relativeError(encoded.rawLogVariance.floats, try family.recorded("logvar").floats),
      relativeError(decoded.floats, try family.recorded("decoded").floats),
    ]
  }

  /// The host's bound.
  @Test("in float32", arguments: Family.allCases)
  func float32(family: Family) throws {
    let engine = try FoundTorch.engine()
    let errors = try errors(family, on: engine)
    #expect(errors.allSatisfy { $0 <= 1e-5 }, "\(errors)")
    // Every convolution was computed there.
    #expect(engine.session.crossings.weights > 20)
  }

  /// Some tens of roundings to bfloat16, of 2^-9 each and independent of each other.
  @Test("in bfloat16", arguments: Family.allCases)
  func bfloat16(family: Family) throws {
    let errors = try errors(family, on: FoundTorch.engine(.bfloat16))
    #expect(errors.allSatisfy { $0 <= 0.03 && $0 > 1e-4 }, "\(errors)")
  }

  @Test("twice with the same bits", arguments: Family.allCases)
  func repeated(family: Family) throws {
    let (engine, autoencoder) = (try FoundTorch.engine(), try family.autoencoder())
    let latent = try family.recorded("latent_in")
    let decoded = try (0..<2).map { _ in
      try FoundTorch.with(engine) { try autoencoder.decode(latent) }
    }
    #expect(decoded[0] == decoded[1])
  }

  @Test("in float32 whatever transformers are rounded to")
  func exact() throws {
    let library = try FoundTorch.loaded()
    let engine = TorchEngine(
      try library.session(on: FoundTorch.device, precision: .bfloat16),
      exact: try library.session(on: FoundTorch.device, precision: .float32))
    let (autoencoder, latent) = (
      try Family.qwen.autoencoder(), try Family.qwen.recorded("latent_in")
    )
    let decoded = try [engine, FoundTorch.engine()].map { engine in
      try FoundTorch.with(engine) { try autoencoder.decode(latent) }
    }
    #expect(decoded[0] == decoded[1])
  }

  /// Beside weights that take all of a small device.
  @Test("and stay on the host where the device has no room for them")
  func small() throws {
    let engine = try FoundTorch.engine(
      memory: .init(free: 2_000_000_000, total: 2_000_000_000))
    #expect(engine.ofAutoencoders != nil)
    let layers = PassLayers(
      blocks: [],
      aroundBlocks: [
        LinearLayer(name: "a", weight: Weight(Tensor(shape: [1, 1], [0])))
      ], ofVectors: [])
    let plan = try engine.admit(layers, beside: 0, coding: 1_000_000)
    #expect(plan?.hostsAutoencoder == true && plan?.besideByteCount == 0)
    #expect(engine.ofAutoencoders == nil)
    let latent = try Family.flux.recorded("latent_in")
    let autoencoder = try Family.flux.autoencoder()
    let found = try FoundTorch.with(engine) { try autoencoder.decode(latent) }
    #expect(try found == autoencoder.decode(latent))
    let large = try FoundTorch.engine(memory: .init(free: 1 << 33, total: 1 << 33))
    let there = try large.admit(layers, beside: 7, coding: 1_000_000)
    #expect(there?.hostsAutoencoder == false && there?.besideByteCount == 1_000_000)
  }
}
