import Compute
import DiffusionTransformers
import ModelTestSupport
import Testing

@Suite("A caption's states")
struct ConditioningTests {
  private let source = ConditioningSource(text: "t5", pooled: "clip")

  private func states(_ rows: Int, _ columns: Int, pooled: Int? = nil) -> Conditioning {
    Conditioning(
      text: Tensor(shape: [rows, columns], repeating: 0),
      pooled: pooled.map { Tensor(shape: [1, $0], repeating: 0) })
  }

  @Test("that the model takes pass, also with a pooled vector that it doesn't need")
  func fitting() throws {
    let flux = try Recording.flux.transformer()
    #expect(flux.textChannels == 64 && flux.pooledChannels == 64)
    try flux.check(states(1, 64, pooled: 64), from: source)
    let qwen = try Recording.qwen.transformer()
    #expect(qwen.textChannels == 64 && qwen.pooledChannels == nil)
    try qwen.check(states(3, 64), from: source)
    try qwen.check(states(3, 64, pooled: 7), from: source)
  }

  @Test(
    "that it doesn't take are refused by what made them",
    arguments: [
      (2, 32, 64, "t5: the transformer takes [tokens, 64], at least one token; found [2, 32]"),
      (0, 64, 64, "t5: the transformer takes [tokens, 64], at least one token; found [0, 64]"),
      (2, 64, 32, "clip: the transformer takes [1, 64], found [1, 32]"),
      (2, 64, nil, "clip: the transformer takes a pooled vector of 64 channels, found none"),
    ] as [(Int, Int, Int?, String)])
  func misfits(rows: Int, columns: Int, pooled: Int?, message: String) throws {
    let flux = try Recording.flux.transformer()
    let error = #expect(throws: ConditioningError.self) {
      try flux.check(states(rows, columns, pooled: pooled), from: source)
    }
    #expect(error?.description == message)
  }
}
