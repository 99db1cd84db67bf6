internal import Elements
internal import Formats
internal import JSON
internal import Tensors

/// A way to store a layer's weight that is known, from `formats/recognition.json`: what the layer's
/// tensors are called and which types they have.
struct StorageRule: Sendable {
  let form: StoredForm
  /// What a note beside the weight must say, where false stands for nothing as well; nil for layers
  /// without a note.
  let note: [(key: String, value: JSONValue)]?
  /// The program that config.json must name; nil for any and for none.
  let method: String?
  /// A tensor that marks the whole component; nil when there need be none.
  let marker: String?
  /// What the tensor with the codes is called in its layer.
  let weight: String
  /// The types that codes may have; none for any.
  let dtypes: [DType]
  /// Tensors that must stand beside the codes, and the types that they may have; none for any.
  let needs: [(name: String, dtypes: [DType])]
  /// Tensors that may stand there besides.
  let also: [String]
  /// How many elements of a row one code holds.
  let elementsPerCode: Int
  /// Whether the shape of the codes tells that of the weight.
  let tellsShape: Bool
  /// Whether layers are no longer those of the model, so that tensors can't be compared with it.
  let isRestructured: Bool
  /// What is written in this form; nil for one that is only read.
  let written: WrittenForm?

  init(_ entry: JSONValue) {
    form = StoredForm(
      name: entry.text("name"), title: entry.text("title"), isRead: entry["read"]?.bool ?? false,
      codes: entry["codes"].map(Self.codes), scales: Self.scales(entry),
      advice: entry["advice"]?.string)
    note = entry["note"]?.object.map { $0.members.map { ($0.key, $0.value) } }
    method = entry["method"]?.string
    marker = entry["marker"]?.string
    weight = entry["weight"]?.string ?? "weight"
    dtypes = entry.dtypes("dtypes")
    needs = entry.members("needs").map { ($0.key, JSONValue.dtypes($0.value)) }
    also = entry.texts("also")
    elementsPerCode =
      entry["packed"]?.integer ?? form.codes.map { $0.usual.elementCount / $0.usual.byteCount } ?? 1
    tellsShape = entry["shape"]?.string != "free"
    isRestructured = entry["restructured"]?.bool ?? false
    written = WrittenForm(entry, form, dtypes: dtypes, needs: needs)
  }
}

extension StorageRule {
  private static func blockType(_ name: String) -> BlockType {
    guard let type = BlockType(rawValue: name) else {
      preconditionFailure("formats/recognition.json: '\(name)' is no type of blocks")
    }
    return type
  }

  /// One type for all layers, or one by a number in their notes.
  private static func codes(_ value: JSONValue) -> CodeTypes {
    if let name = value.string { return CodeTypes(key: nil, types: [:], usual: blockType(name)) }
    let types = value.members("types").map { ($0.key, blockType($0.value.string ?? "")) }
    guard let usual = types.first(where: { $0.0 == value.text("usual") })?.1 else {
      preconditionFailure("formats/recognition.json: 'usual' is no key of 'types'")
    }
    return CodeTypes(
      key: value.text("by"), types: Dictionary(uniqueKeysWithValues: types), usual: usual)
  }

  /// One tensor of factors or several, each by its name or with what is to be known of it.
  private static func scales(_ entry: JSONValue) -> [ScaleRule] {
    guard let value = entry["scale"] else { return [] }
    return (value.array ?? [value]).map { scale in
      if let name = scale.string { return ScaleRule(name: name) }
      let tile = scale["tile"]?.array?.compactMap(\.integer)
      guard tile.map({ $0.count == 2 && $0.allSatisfy { $0 > 0 } }) ?? true,
        let order = ScaleRule.Order(rawValue: scale["order"]?.string ?? "rows")
      else { preconditionFailure("formats/recognition.json: a scale's tile or order") }
      return ScaleRule(
        name: scale.text("tensor"), tile: tile.map { ($0[0], $0[1]) }, order: order,
        bytes: scale.dtype("bytes"), divides: scale["divides"]?.bool ?? false)
    }
  }
}

/// Names by which quantised weights are known whatever their form.
struct StorageWords: Sendable {
  /// What a layer's note is called.
  let note: String
  /// The key of the header's notes.
  let headerKey: String
  /// The ending of tensors that only say how a program should compute.
  let preferences: String
  /// What else belongs to a plain layer.
  let plainParameters: [String]
  /// What the names of scales and the like have in them, beside codes that aren't called `weight`.
  let companionWords: [String]
  /// Keys of config.json that say how weights are stored.
  let configurationKeys: [String]
  /// What config.json may say where the tensors are of these forms.
  let methods: [(name: String, forms: [String])]

  init(_ document: JSONValue) {
    guard let notes = document["storage_notes"] else {
      preconditionFailure("formats/recognition.json has storage_notes")
    }
    note = notes.text("layer")
    headerKey = notes.text("header")
    preferences = notes.text("preferences")
    plainParameters = document.texts("plain_parameters")
    companionWords = document.texts("companion_words")
    configurationKeys = document.texts("quantization_keys")
    methods = document.list("quantization_methods").map { ($0.text("name"), $0.texts("storages")) }
  }
}

extension JSONValue {
  fileprivate func dtypes(_ key: String) -> [DType] { self[key].map(Self.dtypes) ?? [] }

  fileprivate func dtype(_ key: String) -> DType? {
    self[key].flatMap { Self.dtypes(.array([$0])).first }
  }

  fileprivate static func dtypes(_ names: JSONValue) -> [DType] {
    (names.array ?? []).map { name in
      guard let dtype = name.string.flatMap(DType.init(rawValue:)) else {
        preconditionFailure("formats/recognition.json: '\(name.text())' is no dtype")
      }
      return dtype
    }
  }
}
