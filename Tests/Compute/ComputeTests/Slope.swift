import Compute
import Elements
import Testing

/// Numbers around zero for a test, the same at every run.
func sample(_ shape: [Int], _ seed: UInt64, spread: Float = 1) -> Tensor {
  let count = shape.reduce(1, *)
  let normals = RandomStream(seed: seed, purpose: .test).normals(count: count)
  return Tensor(shape: shape, normals.map { $0 * spread })
}

/// Compares the gradient of an operation with finite differences.
///
/// The loss is the sum of the outputs weighted by fixed random numbers. For each input, one random
/// direction and a few single elements are moved by ±1e-2: the central difference is off by about
/// 1e-4 of the third derivative plus 1e-5 of float32 rounding, so 2e-3 relative to the size of the
/// gradient along a unit direction separates a right formula from a wrong one.
func expectGradient(
  of inputs: [Tensor], tolerance: Double = 2e-3, sourceLocation: SourceLocation = #_sourceLocation,
  _ operation: (Tape, [Variable]) -> Variable
) {
  func loss(_ inputs: [Tensor]) -> Double {
    let y = operation(Tape(mode: .inference), inputs.map(Variable.init(constant:))).tensor
    return dot(y, sample(y.shape, 99))
  }
  let tape = Tape(mode: .recording)
  let variables = inputs.map { tape.variable($0) }
  let y = operation(tape, variables)
  let gradients = tape.runBackward(from: [(y, sample(y.tensor.shape, 99))])
  for (index, input) in inputs.enumerated() {
    guard let gradient = variables[index].id.flatMap({ gradients[$0] }) else {
      Issue.record("no gradient for input \(index)", sourceLocation: sourceLocation)
      continue
    }
    #expect(gradient.shape == input.shape, sourceLocation: sourceLocation)
    var directions = [sample(input.shape, UInt64(7 + index))]
    for element in [0, input.count / 3, input.count - 1] {
      let unit = (0..<input.count).map { $0 == element ? Float(1) : 0 }
      directions.append(Tensor(shape: input.shape, unit))
    }
    for direction in directions {
      let step = Float(1e-2 / max(direction.norm / 3, 1))
      var up = inputs
      var down = inputs
      up[index].add(direction, times: step)
      down[index].add(direction, times: -step)
      let slope = (loss(up) - loss(down)) / (2 * Double(step))
      let expected = dot(gradient, direction)
      let size = gradient.norm * direction.norm / Double(direction.count).squareRoot() + 1e-3
      #expect(
        abs(slope - expected) <= tolerance * max(size, abs(expected)),
        "input \(index): slope \(slope), gradient \(expected)", sourceLocation: sourceLocation)
    }
  }
}

func dot(_ a: Tensor, _ b: Tensor) -> Double {
  zip(a.floats, b.floats).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
}
