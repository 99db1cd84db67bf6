extension AdapterFile {
  /// A way to adapt modules that isn't plain LoRA, as a file uses it.
  public struct Method: Sendable {
    /// Name for people: `LoKr`.
    public let title: String
    /// How many keys are of it.
    public let keyCount: Int
    /// How many elements they have.
    public let elementCount: Int
    /// One of them.
    public let example: String
    /// The modules that it changes, of all components, in the order of the file.
    public internal(set) var modules: [Entry]
    /// How its tensors are read.
    let reading: AdapterMethod.Reading?
    /// What to do with a file of it, in words.
    let advice: String?

    init(_ found: MethodKeys.Found) {
      title = found.method.title
      reading = found.method.reading
      advice = found.method.whatToDo
      keyCount = found.keyCount
      elementCount = found.elementCount
      example = found.example
      modules = found.modules
    }
  }

  /// All modules of the transformer, plain ones first, each once.
  public var modules: [Entry] { Self.modules(entries, methods) }

  /// The modules of every text encoder, plain ones first, each once; by the component's name.
  public var textEncoders: [(component: String, modules: [Entry])] {
    let all = Self.modules(textEncoderEntries, methods, ofTransformer: false)
    return Dictionary(grouping: all, by: \.component).sorted { $0.key < $1.key }
      .map { ($0.key, $0.value) }
  }

  /// The canonical paths of all modules of the transformer, each once.
  public var canonicalPaths: [String] {
    var known = Set<String>()
    return modules.flatMap(\.paths).filter { known.insert($0).inserted }
  }

  /// Entries and what methods change besides, each module once; of the transformer or of all text encoders.
  static func modules(
    _ entries: [Entry], _ methods: [Method], ofTransformer isOfTransformer: Bool = true
  ) -> [Entry] {
    if methods.isEmpty { return entries }
    var known = Set(entries.map(\.name))
    return entries
      + methods.flatMap(\.modules).filter {
        ($0.component == transformer) == isOfTransformer && known.insert($0.name).inserted
      }
  }
}
