import Compute
import Testing
import Training

@Suite("The norm of an adapter")
struct AdapterNormTests {
  private func module(
    _ name: String, down: Tensor, up: Tensor
  ) -> TrainableModule { TrainableModule(name: name, down: down, up: up) }

  @Test("is that of what it adds to the weights, by block")
  func norms() {
    let adapter = TrainableAdapter(
      modules: [
        module("x_embedder", down: Tensor(shape: [1, 1], [1]), up: Tensor(shape: [1, 1], [0])),
        // (2, 0)ᵀ · (3, 4): norm 10.
        module(
          "transformer_blocks.0.attn.to_q", down: Tensor(shape: [1, 2], [3, 4]),
          up: Tensor(shape: [2, 1], [2, 0])),
        module(
          "transformer_blocks.0.ff.net.2", down: Tensor(shape: [1, 1], [1]),
          up: Tensor(shape: [1, 1], [-24])),
        // Two parts that cancel: nothing.
        module(
          "single_transformer_blocks.11.proj_out", down: Tensor(shape: [2, 2], [1, 7, 1, 7]),
          up: Tensor(shape: [1, 2], [5, -5])),
        // (1, 2; 0, 1) · (1, 1; 2, 0) = (5, 1; 2, 0): the squares add to 30.
        module(
          "single_transformer_blocks.12.proj_out", down: Tensor(shape: [2, 2], [1, 1, 2, 0]),
          up: Tensor(shape: [2, 2], [1, 2, 0, 1])),
      ], scale: 0.5)
    let norms = adapter.blockNorms
    #expect(
      norms.map(\.block) == [
        "other", "transformer_blocks.0", "single_transformer_blocks.11",
        "single_transformer_blocks.12",
      ])
    // √(5² + 12²) = 13 and √30 / 2; every number on the way is exact.
    #expect(norms.map(\.norm) == [0, 13, 0, 30.0.squareRoot() / 2])
  }
}
