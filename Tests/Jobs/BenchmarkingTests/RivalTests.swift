import Benchmarking
import Compute
import Testing

@Suite("OpenBLAS as a rival")
struct RivalTests {
  @Test("computes what our products compute", arguments: [true, false])
  func products(isForward: Bool) {
    let shape = ProductShape(outputs: 11, inputs: 7)
    func tensor(_ rows: Int, _ columns: Int) -> Tensor {
      Tensor(shape: [rows, columns], (0..<rows * columns).map { Float($0 * 7 % 9 - 4) })
    }
    let x = tensor(5, isForward ? shape.inputs : shape.outputs)
    let weight = tensor(shape.outputs, shape.inputs)
    let rival = BLASProduct(x, weight.floats, shape, isForward: isForward)
    rival.multiply()
    let engine = HostEngine()
    let ours =
      isForward
      ? engine.product(x, transposed: Weight(weight)) : engine.product(x, Weight(weight))
    // Whole numbers: every order of adding gives the same sum.
    #expect(rival.result == ours.floats)
  }
}
