internal import Compute

/// x + project(attention(norm(x))), one head over all pixels.
///
/// Source: huggingface/diffusers, `attention_processor.py`, `AttnProcessor2_0` as `UNetMidBlock2D`
/// uses it, and `autoencoder_kl_qwenimage.py`, `QwenImageAttentionBlock.forward`.
struct PixelAttention: Sendable {
  let norm: Normalization
  let query: LinearLayer
  let key: LinearLayer
  let value: LinearLayer
  let projection: LinearLayer

  func callAsFunction(_ x: consuming FeatureMap, on engine: PixelEngine) -> FeatureMap {
    let added = change(norm.pixels(of: x, on: engine), on: engine.engine)
    x.add(added, on: engine.engine)
    return x
  }

  /// What is added to pixels `[pixels, channels]` that are normalised so.
  func change(_ pixels: Tensor, on engine: any Engine) -> Tensor {
    let tape = Tape(
      mode: .inference, engine: engine, adapters: [:], factorGradients: FactorGradientStore())
    let normalized = Variable(constant: pixels)
    let attended = tape.attention(
      tape.linear(normalized, query), tape.linear(normalized, key),
      tape.linear(normalized, value),
      AttentionForm(heads: 1, scale: 1 / Float(pixels.columns).squareRoot()))
    return tape.linear(attended, projection).tensor
  }
}

extension FeatureMap {
  /// The pixels after a preparation, `[pixels, channels]`.
  func prepared(_ preparation: Preparation) -> Tensor {
    let (pixels, channels) = (height * width, channels)
    let from = unsafe start
    return unsafe Tensor(shape: [pixels, channels]) { to in
      guard let to = to.baseAddress else { return }
      unsafe preparation.apply(from, to, pixels: pixels, channels: channels)
    }
  }

  /// Adds values `[pixels, channels]`.
  mutating func add(_ values: Tensor, on engine: any Engine) {
    precondition(values.count == count, "there must be a value for every element")
    if isTensor {
      var sum = tensor
      engine.add(values, times: 1, to: &sum)
      return replace(with: sum)
    }
    let to = unsafe mutableStart
    let count = count
    unsafe values.withFloats { from in
      for i in 0..<count { unsafe to[i] += from[i] }
    }
  }
}
