package import Compute
internal import Elements
package import Schedules

extension Walk.Step {
  /// Moves a latent by the step's rule.
  ///
  /// - Parameters:
  ///   - latent: what the velocity was taken at.
  ///   - velocity: of the same shape.
  ///   - noise: makes new noise of that shape; asked only where the rule takes some, and there is a
  ///     noise level to go back to.
  package func advance(_ latent: inout Tensor, along velocity: Tensor, noise: () -> Tensor) {
    switch rule {
    case .euler:
      latent.add(velocity, times: delta)
    case .renoise:
      latent.add(velocity, times: -from)
      guard to > 0 else { return }
      latent.scale(by: 1 - to)
      latent.add(noise(), times: to)
    }
  }
}

extension SamplingItem {
  /// Noise of a latent that a step goes back to; depends on the seed and the step only.
  static func noise(seed: UInt64, afterStep step: Int, shape: [Int]) -> Tensor {
    let stream = RandomStream(seed: seed, purpose: .renoising, step: UInt32(step))
    return Tensor(shape: shape, stream.normals(count: shape.elementCount))
  }
}
