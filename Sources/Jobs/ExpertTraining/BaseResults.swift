internal import Caching
internal import Checkpoints
internal import JSON
internal import Pipelines

/// What is computed from the base alone, without an adapter: kept for runs that continue, repeat or vary this one.
struct BaseResults: Sendable {
  /// Where it is kept.
  let cache: ContentCache
  /// The transformer's files as they were when they were opened.
  private let contents: FileContents
  private let model: JSONObject

  /// Results of a base.
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

  /// Whether what is computed now is a result of these files.
  var areCurrent: Bool { contents.areUnchanged }

  /// The key of what the base makes of some inputs.
  func key(_ kind: String, _ inputs: JSONObject) -> CacheKey {
    CacheKey(computed: kind, JSONObject(model.members + inputs.members))
  }
}
