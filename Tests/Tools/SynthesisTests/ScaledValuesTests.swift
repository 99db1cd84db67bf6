import Checkpoints
import Compute
import Elements
import JSON
import ModelLoading
import Safetensors
import Synthesis
import SystemPackage
import Tensors
import TestSupport
import Testing
import TextEncoders

/// What keeps activations at their size.
@Suite("Scaled values")
struct ScaledValuesTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test(
    "follow name and shape",
    arguments: [
      ("proj.weight", [64, 256], ValueSpread(mean: 0, deviation: 1 / 16)),
      ("conv.weight", [8, 16, 2, 2], ValueSpread(mean: 0, deviation: 1 / 8)),
      ("proj.bias", [64], ValueSpread(mean: 0, deviation: 0.02)),
      ("norm.weight", [64], ValueSpread(mean: 1, deviation: 0.02)),
      ("norm.gamma", [64, 1, 1], ValueSpread(mean: 1, deviation: 0.02)),
      ("shared.weight", [100, 64], ValueSpread(mean: 0, deviation: 3)),
    ])
  func spread(name: String, shape: [Int], expected: ValueSpread) {
    let tensor = TensorDescription(name: name, dtype: .bf16, shape: shape)
    #expect(ValueSpread(scaledFor: tensor, [("shared.weight", 3)]) == expected)
  }

  /// A text encoder as deep as the published one, and narrow.
  private func encoder(
    _ family: String, _ model: String, _ name: String, layers: [Int]
  ) throws -> (configuration: ModelConfiguration, weights: WeightLoader) {
    let family = try #require(ModelFamily.named(family))
    let file = Fixtures.model(model).appending(name).appending("config.json")
    var component = try #require(
      PublishedPipeline(of: family).components(encoderLayers: nil).first { $0.folder == name })
    component.configuration = try #require(Configuration(reading: file).json.object)
    let deep = component.cut(to: layers)
    try deep.synthesis(dtype: .bf16, shardByteLimit: nil)
      .write(into: folder.path, filling: TensorFilling(.scaled, seed: 3))
    let weights = try SafetensorsFile(opening: folder.path.appending("model.safetensors"))
    return (
      try ModelConfiguration(.object(deep.configuration), file: file),
      WeightLoader(file: weights.path, tensors: weights.tensors)
    )
  }

  /// States are finite, of size 1, and differ from token to token.
  private func expectSensible(_ states: [Float], tokens: Int) {
    let size = (states.reduce(0) { $0 + Double($1 * $1) } / Double(states.count)).squareRoot()
    #expect(abs(size - 1) < 0.2)
    let width = states.count / tokens
    #expect(relativeError(Array(states[..<width]), Array(states[width..<2 * width])) > 0.3)
  }

  private let ids: [Int32] = [5, 9, 300, 17, 44, 2, 120, 1]

  @Test func theStatesOfADeepT5AreSensible() throws {
    let files = try encoder("flux1", "tiny-flux", "text_encoder_2", layers: [24])
    let encoder = try T5Encoder(configuration: files.configuration, weights: files.weights)
    expectSensible(try encoder(ids).floats, tokens: ids.count)
  }

  @Test func theStatesOfADeepCLIPAreSensible() throws {
    let files = try encoder("flux1", "tiny-flux", "text_encoder", layers: [12])
    let encoder = try CLIPTextEncoder(configuration: files.configuration, weights: files.weights)
    expectSensible(try encoder(ids).states.floats, tokens: ids.count)
  }

  @Test func theStatesOfADeepQwenAreSensible() throws {
    let files = try encoder("qwen-image", "tiny-qwen-image", "text_encoder", layers: [28, 2])
    let encoder = try Qwen25TextEncoder(configuration: files.configuration, weights: files.weights)
    expectSensible(try encoder(ids).floats, tokens: ids.count)
  }
}
