import CKernels
import Compute

/// Attention and its gradients as their formulas say, in double precision, and for every element the sum of
/// its terms' magnitudes: what errors of the terms are to be compared with.
struct AttentionReference {
  let form: AttentionForm
  let q: Tensor
  let k: Tensor
  let v: Tensor

  private var channels: Int { q.columns / form.heads }

  /// Where a head's channels of a row begin, in q or in k and v.
  private func place(_ row: Int, _ head: Int, ofKeys: Bool) -> Int {
    ofKeys
      ? row * k.columns + head / (form.heads / form.keyValueHeads) * channels
      : row * q.columns + head * channels
  }

  private func dot(_ a: [Double], _ i: Int, _ b: [Double], _ j: Int) -> Double {
    (0..<channels).reduce(0) { $0 + a[i + $1] * b[j + $1] }
  }

  /// A tensor's floats.
  struct Sums {
    var values: [Double]
    var magnitudes: [Double]

    fileprivate init(count: Int) {
      values = Array(repeating: 0, count: count)
      magnitudes = values
    }

    fileprivate mutating func add(
      _ factor: Double, _ magnitude: Double, times x: Double, at i: Int
    ) {
      values[i] += factor * x
      magnitudes[i] += magnitude * abs(x)
    }

    /// The largest difference of an element, by the magnitude of its terms.
    func error(of found: Tensor) -> Double {
      guard found.count == values.count else { return .infinity }
      return values.indices.reduce(0) { worst, i in
        let difference = abs(Double(found.floats[i]) - values[i])
        let error = difference == 0 ? 0 : difference / magnitudes[i]
        return error.isNaN ? .infinity : max(worst, error)
      }
    }
  }

  /// The output, and the gradients of q, k and v for one of the output.
  func results(gradient: Tensor) -> [Sums] {
    let (keys, scale) = (self.k.rows, Double(form.scale))
    let (q, k, v) = (doubles(self.q), doubles(self.k), doubles(self.v))
    let dOut = doubles(gradient)
    var (out, dq) = (Sums(count: q.count), Sums(count: q.count))
    var (dk, dv) = (Sums(count: k.count), Sums(count: v.count))
    for head in 0..<form.heads {
      for query in 0..<self.q.rows {
        let i = place(query, head, ofKeys: false)
        let places = (0..<(form.isCausal ? query + 1 : keys)).map { place($0, head, ofKeys: true) }
        let scores = places.enumerated().map { key, j in
          let bias = form.relativeBias.map {
            Double($0.floats[head * (2 * keys - 1) + key - query + keys - 1])
          }
          return scale * dot(q, i, k, j) + (bias ?? 0)
        }
        let largest = scores.max() ?? 0
        let powers = scores.map { exponential($0 - largest) }
        let sum = powers.reduce(0, +)
        let weights = powers.map { $0 / sum }
        let dWeights = places.map { dot(dOut, i, v, $0) }
        let mean = zip(weights, dWeights).reduce(0) { $0 + $1.0 * $1.1 }
        let size = zip(weights, dWeights).reduce(0) { $0 + $1.0 * abs($1.1) }
        for (key, j) in places.enumerated() {
          let weight = weights[key]
          let dScore = scale * weight * (dWeights[key] - mean)
          let magnitude = scale * weight * (abs(dWeights[key]) + size)
          for c in 0..<channels {
            out.add(weight, weight, times: v[j + c], at: i + c)
            dq.add(dScore, magnitude, times: k[j + c], at: i + c)
            dk.add(dScore, magnitude, times: q[i + c], at: j + c)
            dv.add(weight, weight, times: dOut[i + c], at: j + c)
          }
        }
      }
    }
    return [out, dq, dk, dv]
  }

  private func doubles(_ tensor: Tensor) -> [Double] { tensor.floats.map { Double($0) } }
}

/// e^x in double precision, without a mathematics library: a power series, squared ten times.
func exponential(_ x: Double) -> Double {
  guard x > -700 else { return 0 }
  let small = x / 1024
  var (sum, term) = (1.0, 1.0)
  for k in 1...12 {
    term *= small / Double(k)
    sum += term
  }
  for _ in 0..<10 { sum *= sum }
  return sum
}

extension Tensor {
  /// Every element rounded to bfloat16.
  var roundedToBFloat16: Tensor {
    var bits = [UInt16](repeating: 0, count: count)
    unsafe ck_f32_to_bf16(floats, &bits, count)
    return Tensor(shape: shape, bits.map { Float(bitPattern: UInt32($0) << 16) })
  }
}
