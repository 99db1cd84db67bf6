internal import Elements
internal import Formats
internal import JSON
internal import Tensors

/// A way to store a layer's weight that is known, from `formats/stored-forms.json`: what the layer's
/// tensors are called and which types they have.
struct StorageRule: Sendable {
  /// All of them, the most specific first. Files of plain numbers are read without them.
  static let all = EmbeddedFormats.document("stored-forms").list("storages").map(StorageRule.init)

  let form: StoredForm
  /// What a note beside the weight must say, where false stands for nothing as well; nil for layers
  /// without a note.
  let note: [(key: String, value: JSONValue)]?
  /// What the layer's description must say; none for any and for layers without one.
  let description: [(key: String, value: JSONValue)]
  /// Texts that a list of the description must not have, by its key: tensors that layers of this form lack.
  let unlisted: [(key: String, text: String)]
  /// The program that config.json must name; nil for any and for none.
  let method: String?
  /// What config.json must say of the layer: one of the values by each key.
  let statement: [(key: String, values: [JSONValue])]
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
  /// What tells the weight's shape.
  let shape: ShapeSource
  /// Whether layers are no longer those of the model, so that tensors can't be compared with it.
  let isRestructured: Bool
  /// What is written in this form; nil for one that is only read.
  let written: WrittenForm?
  /// What to do with a layer that isn't read where config.json says what it is; nil where that makes no difference.
  let adviceWhereSaid: String?
  /// The key by which config.json says a type of codes in whose name is how many bits an element of the weight takes,
  /// of layers that aren't read; nil for none.
  let bitsKey: String?
  /// The key by which a layer's description names its type, where it isn't read; nil for none.
  private let typeKey: String?

  init(_ entry: JSONValue) {
    form = StoredForm(
      name: entry.text("name"), title: entry.text("title"), isRead: entry["read"]?.bool ?? false,
      codes: entry["codes"].map(Self.codes), scales: Self.scales(entry),
      constant: entry["constant"]?.double.map(Float.init),
      isRoundedAlways: entry["rounds"]?.bool ?? false,
      finish: entry["finish"].map(FinishEntry.init),
      table: entry["table"]?.string,
      values: entry.members("values").map { ($0.key, Float($0.value.double ?? .nan)) },
      advice: entry["advice"]?.string)
    note = entry["note"]?.object.map { $0.members.map { ($0.key, $0.value) } }
    description = entry.members("described").map { ($0.key, $0.value) }
    unlisted = entry.members("unlisted").map { ($0.key, $0.value.string ?? "") }
    method = entry["method"]?.string
    statement = entry.members("said").map { ($0.key, $0.value.array ?? []) }
    marker = entry["marker"]?.string
    precondition(
      marker.map(Recognition.shared.storageWords.markers.contains) ?? true,
      "formats/stored-forms.json: a marker that formats/recognition.json lacks")
    weight = entry["weight"]?.string ?? "weight"
    dtypes = entry.dtypes("dtypes")
    needs = entry.members("needs").map { ($0.key, JSONValue.dtypes($0.value)) }
    also = entry.texts("also")
    elementsPerCode =
      entry["packed"]?.integer ?? form.codes.map { $0.usual.elementCount / $0.usual.byteCount } ?? 1
    guard let shape = ShapeSource(rawValue: entry["shape"]?.string ?? "codes") else {
      preconditionFailure("formats/stored-forms.json: 'shape' of '\(form.name)'")
    }
    self.shape = shape
    isRestructured = entry["restructured"]?.bool ?? false
    written = WrittenForm(entry, form, dtypes: dtypes, needs: needs)
    adviceWhereSaid = entry["advice_where_said"]?.string
    typeKey = entry["names"]?.string
    bitsKey = entry["bits"]?.string
  }

  /// What the description of a layer says its type is, in words; nil where it says none.
  func unreadType(_ description: StorageNotes.Note?) -> String? {
    guard let typeKey, let type = description?[typeKey] else { return nil }
    return "whose '\(typeKey)' is \(type.text())"
  }
}

/// What tells the shape of a weight.
enum ShapeSource: String, Sendable {
  /// That of its codes.
  case codes
  /// The layer's description, if anything.
  case free
  /// There is at least one factor for every row, and what the codes hold is divided among these; or factors and
  /// codes of a byte each have their axes exchanged, `[1, rows]` and `[columns, rows]`.
  case rows
  /// As many rows as there are biases, or as the model has, of codes in planes of four or two bits: a row of codes
  /// has a factor.
  case planes
}

extension StorageRule {
  private static func blockType(_ name: String) -> BlockType {
    guard let type = BlockType(rawValue: name) else {
      preconditionFailure("formats/stored-forms.json: '\(name)' is no type of blocks")
    }
    return type
  }

  /// One type for all layers, or one by a number in their notes.
  private static func codes(_ value: JSONValue) -> CodeTypes {
    if let name = value.string { return CodeTypes(key: nil, types: [:], usual: blockType(name)) }
    let types = value.members("types").map { ($0.key, blockType($0.value.string ?? "")) }
    guard let usual = types.first(where: { $0.0 == value.text("usual") })?.1 else {
      preconditionFailure("formats/stored-forms.json: 'usual' is no key of 'types'")
    }
    return CodeTypes(
      key: value.text("by"), types: Dictionary(uniqueKeysWithValues: types), usual: usual)
  }

  /// One tensor of factors or several, each by its name or with what is to be known of it.
  private static func scales(_ entry: JSONValue) -> [ScaleEntry] {
    guard let value = entry["scale"] else { return [] }
    return (value.array ?? [value]).map { scale in
      if let name = scale.string {
        return ScaleEntry(rule: ScaleRule(name: name), tileKey: nil, nested: nil)
      }
      let key = scale["tile"]?["by"]?.string
      let sizes = key == nil ? scale["tile"] : scale["tile"]?["usual"]
      let tile = sizes.flatMap { ScaleRule.Tile(sizes: $0, isSaid: key == nil) }
      guard (tile == nil) == (sizes == nil),
        let order = ScaleRule.Order(rawValue: scale["order"]?.string ?? "rows"),
        let role = ScaleRule.Role(rawValue: scale["role"]?.string ?? "factor")
      else { preconditionFailure("formats/stored-forms.json: a scale's tile, order or role") }
      let rule = ScaleRule(
        name: scale.text("tensor"), role: role, tile: tile, order: order,
        bytes: scale.dtype("bytes"), hasRuns: scale["runs"]?.bool ?? false,
        mayBeZero: scale["zero"]?.bool ?? false)
      let nested = scale["nested"].map { nested in
        ScaleEntry.NestedNames(
          table: nested.text("table"), factors: nested.text("factors"), run: nested.text("run"),
          offset: nested.text("offset"))
      }
      return ScaleEntry(
        rule: rule, tileKey: key, hasRunsOfCodes: scale["of"]?.string == "codes", nested: nested)
    }
  }
}

extension ScaleRule.Tile {
  /// Rows and columns, or columns of one row; nil for anything else.
  init?(sizes: JSONValue, isSaid: Bool = false) {
    let sizes = sizes.integer.map { [1, $0] } ?? (sizes.array ?? []).compactMap(\.integer)
    guard sizes.count == 2, sizes.allSatisfy({ $0 > 0 }) else { return nil }
    self.init(rows: sizes[0], columns: sizes[1], isSaid: isSaid)
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
        preconditionFailure("formats/stored-forms.json: '\(name.text())' is no dtype")
      }
      return dtype
    }
  }
}
