public import Compute
public import JSON

/// Where latents of the teacher's walks are kept for other runs: one for every noise level that a walk passes, so
/// that a walk which was stopped goes on, and one on the same levels is found for any schedule among them.
public struct KeptWalks: Sendable {
  /// The latent that some inputs, which the base is none of, were kept with.
  let find: @Sendable (_ inputs: JSONObject) -> Tensor?
  /// Keeps the latent that comes of some inputs.
  let store: @Sendable (_ inputs: JSONObject, _ latent: Tensor) -> Void

  /// A place of these two functions.
  public init(
    find: @escaping @Sendable (_ inputs: JSONObject) -> Tensor?,
    store: @escaping @Sendable (_ inputs: JSONObject, _ latent: Tensor) -> Void
  ) {
    self.find = find
    self.store = store
  }
}
