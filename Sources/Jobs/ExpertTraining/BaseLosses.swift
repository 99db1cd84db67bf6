internal import Caching
internal import Checkpoints
internal import Elements
internal import JSON
internal import Pipelines
internal import Tensors

/// The losses of the base with fixed noise, which depend on no adapter: kept for runs that continue, repeat or
/// vary this one.
struct BaseLosses {
  private let cache: ContentCache
  /// The transformer's files as they were when they were opened.
  private let contents: FileContents
  private let model: JSONObject
  private static let name = "loss"

  /// Those of a base.
  ///
  /// - Parameters:
  ///   - transformer: the base.
  ///   - contents: its files.
  ///   - cache: where they are kept.
  init(_ transformer: OpenedTransformer, _ contents: FileContents, in cache: ContentCache) {
    self.cache = cache
    self.contents = contents
    model = [
      "family": .string(transformer.architecture.family.name), "files": contents.json,
      "configuration": .object(transformer.configuration),
    ]
  }

  /// Whether the loss of some inputs is kept.
  func isKept(_ inputs: JSONObject) -> Bool { cache.holds(key(inputs)) }

  /// The loss of some inputs: the kept one, else computed, and kept.
  func loss(_ inputs: () -> JSONObject, _ compute: () -> Double) -> Double {
    let key = key(inputs())
    if let kept = cache.find(key)?.first, kept.name == Self.name, kept.dtype == .f64,
      kept.byteCount == 8
    {
      let bits = unsafe kept.bytes.unsafeLoadUnaligned(as: UInt64.self)
      return Double(bitPattern: UInt64(littleEndian: bits))
    }
    let loss = compute()
    if loss.isFinite, contents.areUnchanged {
      let bits = [loss.bitPattern.littleEndian]
      cache.store(
        [
          unsafe TensorView(name: Self.name, dtype: .f64, shape: [1], copying: bits.span.bytes)
        ], under: key)
    }
    return loss
  }

  private func key(_ inputs: JSONObject) -> CacheKey {
    CacheKey(computed: "base-loss", JSONObject(model.members + inputs.members))
  }
}
