internal import Compute
internal import ModelLoading

#if canImport(Glibc)
  internal import Glibc
#endif

/// A scalar (noise level, guidance) as a vector: a sinusoid of 256 channels, then two linear layers
/// with SiLU between.
///
/// Source: huggingface/diffusers, `embeddings.py`, `get_timestep_embedding` with
/// `flip_sin_to_cos=True, downscale_freq_shift=0`, and `TimestepEmbedding`.
struct ScalarEmbedding: Sendable {
  private let expand: LinearLayer
  private let mix: LinearLayer
  private static let channels = 256

  init(_ loader: WeightLoader, width: Int) throws(ModelError) {
    expand = try loader.linear("linear_1", from: Self.channels, to: width)
    mix = try loader.linear("linear_2", from: width, to: width)
  }

  var layers: [LinearLayer] { [expand, mix] }

  /// `[1, width]`; the value is multiplied by 1000 first.
  func callAsFunction(_ tape: Tape, _ value: Float) -> Variable {
    let half = Self.channels / 2
    var sinusoid = [Float](repeating: 0, count: Self.channels)
    for index in 0..<half {
      // Frequencies and angles in single precision, as the source computes them.
      let frequency = expf(-logf(10_000) * Float(index) / Float(half))
      let angle = value * 1000 * frequency
      sinusoid[index] = cosf(angle)
      sinusoid[half + index] = sinf(angle)
    }
    let hidden = tape.activated(
      tape.linear(
        Variable(constant: Tensor(shape: [1, Self.channels], sinusoid)), expand), .silu)
    return tape.linear(hidden, mix)
  }
}
