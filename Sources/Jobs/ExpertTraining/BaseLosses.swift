internal import Caching
internal import Elements
internal import JSON
internal import Tensors

/// The losses of the base with fixed noise.
struct BaseLosses {
  private let results: BaseResults
  private static let name = "loss"

  /// Those of a base.
  init(_ results: BaseResults) { self.results = results }

  /// Whether the loss of some inputs is kept.
  func isKept(_ inputs: JSONObject) -> Bool { results.cache.holds(key(inputs)) }

  /// The loss of some inputs: the kept one, else computed, and kept.
  func loss(_ inputs: () -> JSONObject, _ compute: () -> Double) -> Double {
    let key = key(inputs())
    if let kept = results.cache.find(key)?.first, kept.name == Self.name, kept.dtype == .f64,
      kept.byteCount == 8
    {
      let bits = unsafe kept.bytes.unsafeLoadUnaligned(as: UInt64.self)
      return Double(bitPattern: UInt64(littleEndian: bits))
    }
    let loss = compute()
    if loss.isFinite, results.areCurrent {
      let bits = [loss.bitPattern.littleEndian]
      results.cache.store(
        [
          unsafe TensorView(name: Self.name, dtype: .f64, shape: [1], copying: bits.span.bytes)
        ], under: key)
    }
    return loss
  }

  private func key(_ inputs: JSONObject) -> CacheKey { results.key("base-loss", inputs) }
}
