internal import JSON
internal import Text

/// What an adapter says of itself in PEFT's terms: `lora_adapter_metadata` in a file's header, or an
/// adapter_config.json beside it. Where it exists, loaders that know it take ranks and alphas from
/// here and from nowhere else.
///
/// Source: huggingface/diffusers, `loaders/lora_base.py`, `_load_lora_into_text_encoder` and
/// `utils/peft_utils.py`, `_create_lora_config`; huggingface/peft, `tuners/lora/config.py`.
struct AdapterHeader: Sendable {
  /// The key of a safetensors header.
  static let metadataKey = "lora_adapter_metadata"

  let rank: Int?
  let alpha: Double
  let usesSquareRoot: Bool
  let usesDoRA: Bool
  let beginning: AdapterBeginning
  private let rankPatterns: [(pattern: NamePattern, value: Double)]
  private let alphaPatterns: [(pattern: NamePattern, value: Double)]

  /// Why a header can't be used.
  struct Malformed: Error {
    let detail: String
  }

  /// The text of ``metadataKey``, read once: it has the ranks of every module.
  struct Document: Sendable {
    /// What it says, or why it is no JSON.
    let json: Result<JSONValue, Malformed>

    init(_ text: String) {
      do { json = .success(try JSONValue(parsing: text)) } catch {
        json = .failure(Malformed(detail: "not a JSON document: \(error)"))
      }
    }

    /// The components that it describes, each once.
    var components: [String] {
      let keys = (try? json.get())?.object?.members.map(\.key) ?? []
      return keys.compactMap { $0.droppingSuffix(".lora_alpha") }
    }
  }

  /// Reads a JSON document.
  ///
  /// - Parameters:
  ///   - document: the document.
  ///   - prefix: the component whose fields count, with its dot.
  ///   - needed: fields of which one must be there, so that it is about an adapter.
  /// - Throws: ``Malformed``.
  init?(
    _ document: Document, prefix: String, needing needed: [String] = []
  ) throws(Malformed) {
    let json = try document.json.get()
    if !needed.isEmpty, !needed.contains(where: { json[prefix + $0] != nil }) { return nil }
    try self.init(json, prefix: prefix)
  }

  /// Reads the fields of a component (`transformer.`, or none for adapter_config.json); nil when it
  /// has none.
  init?(_ json: JSONValue, prefix: String) throws(Malformed) {
    guard let object = json.object else { throw Malformed(detail: "expected a JSON object") }
    var fields = JSONObject()
    for member in object.members where member.key.utf8HasPrefix(prefix) {
      fields[String(member.key.utf8.dropFirst(prefix.utf8.count))] = member.value
    }
    guard !fields.members.isEmpty else { return nil }
    // What PEFT takes for fields that are absent.
    if fields["r"] ?? .null == .null { fields["r"] = 8 }
    if fields["lora_alpha"] ?? .null == .null {
      // LoKrConfig and LoHaConfig call it alpha, and have the same default.
      let own = ["LOKR", "LOHA"].contains(fields["peft_type"]?.string) ? fields["alpha"] : nil
      fields["lora_alpha"] = own ?? .null == .null ? 8 : own
    }
    try self.init(fields)
  }

  /// Reads fields of PEFT's LoraConfig; nothing is taken for a rank that is absent.
  init(_ fields: JSONObject) throws(Malformed) {
    let rank = try Self.number(fields, "r")
    self.rank = rank.flatMap { Int(exactly: $0) }
    if let rank, self.rank == nil {
      throw Malformed(detail: "'r' is \(rank), expected a whole number")
    }
    guard let alpha = try Self.number(fields, "lora_alpha") else {
      throw Malformed(detail: "no 'lora_alpha'")
    }
    self.alpha = alpha
    usesSquareRoot = try Self.flag(fields, "use_rslora")
    usesDoRA = try Self.flag(fields, "use_dora")
    beginning = AdapterBeginning(fields)
    rankPatterns = try Self.patterns(fields, "rank_pattern")
    alphaPatterns = try Self.patterns(fields, "alpha_pattern")
  }

  private static func number(_ fields: JSONObject, _ key: String) throws(Malformed) -> Double? {
    guard let value = fields[key], value != .null else { return nil }
    guard let number = value.double, number.isFinite else {
      throw Malformed(detail: "'\(key)' is \(value.text(.compact)), expected a number")
    }
    return number
  }

  /// A switch: what isn't clearly one is refused, since it changes the scale.
  private static func flag(_ fields: JSONObject, _ key: String) throws(Malformed) -> Bool {
    guard let value = fields[key], value != .null else { return false }
    if let flag = value.bool { return flag }
    if let number = value.integer, (0...1).contains(number) { return number == 1 }
    throw Malformed(detail: "'\(key)' is \(value.text(.compact)), expected true or false")
  }

  private static func patterns(
    _ fields: JSONObject, _ key: String
  ) throws(Malformed) -> [(pattern: NamePattern, value: Double)] {
    guard let value = fields[key], value != .null else { return [] }
    guard let object = value.object else { throw Malformed(detail: "'\(key)' is no object") }
    var patterns: [(pattern: NamePattern, value: Double)] = []
    for member in object.members {
      guard let number = member.value.double, number.isFinite else {
        throw Malformed(detail: "'\(key)': '\(member.key)' has no number")
      }
      guard let pattern = NamePattern(member.key) else {
        throw Malformed(
          detail: "'\(key)': the pattern '\(member.key)' is more than a path; "
            + "write the ranks and alphas into the file instead")
      }
      patterns.append((pattern, number))
    }
    return patterns
  }

  /// The rank that a module has according to the header; nil when it doesn't say.
  func rank(of path: String) -> Int? {
    guard let found = rankPatterns.first(where: { $0.pattern.matches(path) }) else { return rank }
    return Int(exactly: found.value)
  }

  /// The alpha of a module.
  func alpha(of path: String) -> Double {
    alphaPatterns.first { $0.pattern.matches(path) }?.value ?? alpha
  }

  /// The factor of up · down for a module of this rank.
  func scale(of path: String, rank: Int) -> Double {
    alpha(of: path) / (usesSquareRoot ? Double(rank).squareRoot() : Double(rank))
  }
}
