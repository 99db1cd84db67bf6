internal import Caching
internal import Checkpoints
internal import Compute
public import DiffusionTransformers
internal import Files
internal import JSON
internal import SystemPackage

/// Turns captions into what a transformer is told of them.
///
/// The text encoders are opened when a caption has to be encoded: not for one whose states an earlier run kept.
/// Their memory lasts as long as this.
public final class CaptionEncoder {
  private let folder: PipelineFolder
  private let tokenizer: any CaptionTokenizer
  private let cache: ContentCache?
  private let open: () throws -> any StatesEncoder
  private let check: (Conditioning) throws -> Void
  private var opened: (any StatesEncoder)?
  private var hashed: [String: FileContents] = [:]

  private static let names = (text: "text", pooled: "pooled")

  /// An encoder of captions.
  ///
  /// - Parameters:
  ///   - folder: of the pipeline.
  ///   - tokenizer: makes ids of captions.
  ///   - cache: where states are kept.
  ///   - open: opens the text encoders.
  ///   - check: refuses states that the transformer doesn't take.
  init(
    _ folder: PipelineFolder, tokenizer: any CaptionTokenizer, cache: ContentCache?,
    open: @escaping () throws -> any StatesEncoder, check: @escaping (Conditioning) throws -> Void
  ) {
    self.folder = folder
    self.tokenizer = tokenizer
    self.cache = cache
    self.open = open
    self.check = check
  }

  /// Rows that the states of a caption will have.
  public func tokenCount(of caption: String) throws -> Int {
    try tokenizer.tokens(of: caption).stateCount
  }

  /// Whether a caption's states are kept, as far as that is known without reading large files.
  public func isKept(_ caption: String) throws -> Bool {
    guard let cache else { return false }
    let tokens = try tokenizer.tokens(of: caption)
    let contents = try contents(for: tokens) { cache.knownContents(of: $0) }
    return contents.map { cache.holds(key(tokens, $0)) } ?? false
  }

  /// Opens the text encoders, so that what is wrong with their files shows.
  public func prepare() throws { _ = try encoder() }

  /// Encodes one caption, which may be empty.
  public func encode(_ caption: String) throws -> EncodedCaption {
    let tokens = try tokenizer.tokens(of: caption)
    guard let cache, let contents = try contents(for: tokens, { cache.contents(of: $0) }) else {
      return EncodedCaption(
        conditioning: try computed(tokens), isKept: false, warnings: tokens.warnings)
    }
    let key = key(tokens, contents)
    if let conditioning = kept(key, in: cache) {
      try check(conditioning)
      return EncodedCaption(conditioning: conditioning, isKept: true, warnings: tokens.warnings)
    }
    let conditioning = try computed(tokens)
    if conditioning.isFinite, contents.values.allSatisfy(\.areUnchanged) {
      cache.store(
        [(Self.names.text, conditioning.text)]
          + (conditioning.pooled.map { [(Self.names.pooled, $0)] } ?? []), under: key)
    }
    return EncodedCaption(conditioning: conditioning, isKept: false, warnings: tokens.warnings)
  }

  private func computed(_ tokens: CaptionTokens) throws -> Conditioning {
    let conditioning = try encoder().states(of: tokens)
    try check(conditioning)
    return conditioning
  }

  private func encoder() throws -> any StatesEncoder {
    if let opened { return opened }
    let encoder = try open()
    opened = encoder
    return encoder
  }

  private func kept(_ key: CacheKey, in cache: ContentCache) -> Conditioning? {
    let (text, pooled) = Self.names
    if let both = cache.floats(key, [text, pooled]) {
      return Conditioning(text: both[0], pooled: both[1])
    }
    return cache.floats(key, [text]).map { Conditioning(text: $0[0]) }
  }

  /// The contents of the files that encode a caption, by component; nil where one's are not known.
  private func contents(
    for tokens: CaptionTokens, _ find: (FileSnapshot?) -> FileContents?
  ) throws -> [String: FileContents]? {
    for component in tokens.ids.map(\.component) where hashed[component] == nil {
      guard let found = find(FileSnapshot(of: try folder.modelFiles(of: component))) else {
        return nil
      }
      hashed[component] = found
    }
    return hashed
  }

  /// The states depend on ids and text encoders; tokenizers, templates and lengths are in the ids.
  private func key(_ tokens: CaptionTokens, _ contents: [String: FileContents]) -> CacheKey {
    CacheKey(
      computed: "caption",
      [
        "pipeline": .string(folder.className),
        "encoders": .array(
          tokens.ids.map { part in
            [
              "component": .string(part.component),
              "files": contents[part.component]?.json ?? .null,
              "ids": .array(part.ids.map { .integer(Int64($0)) }),
            ]
          }),
        "dropped": .integer(Int64(tokens.droppedCount)),
      ])
  }
}

/// An encoded caption.
public struct EncodedCaption: Sendable {
  /// The states.
  public let conditioning: Conditioning
  /// Whether they are those of an earlier run.
  public let isKept: Bool
  /// Notes for the person: what of the caption was cut.
  public let warnings: [String]
}

extension Conditioning {
  fileprivate var isFinite: Bool { text.isFinite && pooled?.isFinite ?? true }
}
