/// A convolution of planes with a square kernel and zeros around the picture, then ReLU.
struct PlainConvolution: Sendable {
  /// `[outputs, inputs, size, size]`.
  let weight: [Float]
  /// `[outputs]`.
  let bias: [Float]
  let inputs: Int
  let size: Int
  let stride: Int

  /// Planes `[inputs, side, side]` to `[outputs, side / stride, side / stride]`.
  func callAsFunction(_ planes: [Float], side: Int) -> [Float] {
    let outputSide = (side + stride - 1) / stride
    let padding = size / 2
    var result = [Float](repeating: 0, count: bias.count * outputSide * outputSide)
    for output in bias.indices {
      for y in 0..<outputSide {
        for x in 0..<outputSide {
          var sum = bias[output]
          for input in 0..<inputs {
            for dy in 0..<size {
              let row = y * stride + dy - padding
              guard row >= 0, row < side else { continue }
              let from = (input * side + row) * side
              let tap = ((output * inputs + input) * size + dy) * size
              for dx in 0..<size {
                let column = x * stride + dx - padding
                guard column >= 0, column < side else { continue }
                sum += weight[tap + dx] * planes[from + column]
              }
            }
          }
          result[(output * outputSide + y) * outputSide + x] = max(0, sum)
        }
      }
    }
    return result
  }
}

/// A linear layer.
struct PlainLinear: Sendable {
  /// `[outputs, inputs]`.
  let weight: [Float]
  /// `[outputs]`.
  let bias: [Float]

  func callAsFunction(_ input: [Float]) -> [Float] {
    bias.indices.map { output in
      let row = output * input.count
      return input.indices.reduce(bias[output]) { $0 + weight[row + $1] * input[$1] }
    }
  }
}
