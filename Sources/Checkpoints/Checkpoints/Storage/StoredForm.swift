internal import Elements
internal import JSON
internal import Tensors

/// A form in which a layer's weight is stored other than as plain numbers.
public struct StoredForm: Sendable, Equatable {
  /// Short name: `nvfp4`, `comfyui-scaled-fp8-2`; `unknown` for one that isn't known here.
  public let name: String
  /// Name for people.
  public let title: String
  /// Whether the numbers are read: codes times their scales.
  public let isRead: Bool
  /// How codes are packed that are no elements of their tensor's dtype; nil where they are.
  let codes: CodeTypes?
  /// The tensors in its layer that make numbers of its codes.
  let scales: [ScaleEntry]
  /// What products of codes and factors are multiplied by; nil for nothing.
  let constant: Float?
  /// Whether its program rounds every step to the type of the factors.
  let isRoundedAlways: Bool
  /// What is done with the numbers then; nil for nothing.
  let finish: FinishEntry?
  /// The tensor in its layer that repeats what its codes stand for; nil where there is none.
  let table: String?
  /// What tensors in its layer must hold.
  let values: [(name: String, value: Float)]
  /// What to do where they aren't read.
  let advice: String
  /// What config.json says, or doesn't, of layers for which they would be read otherwise; nil where they are or never are.
  let unreadStatement: String?

  init(
    name: String, title: String, isRead: Bool = false, codes: CodeTypes? = nil,
    scales: [ScaleEntry] = [], constant: Float? = nil, isRoundedAlways: Bool = false,
    finish: FinishEntry? = nil, table: String? = nil,
    values: [(name: String, value: Float)] = [], advice: String? = nil,
    unreadStatement: String? = nil
  ) {
    self.name = name
    self.title = title
    self.isRead = isRead
    self.codes = codes
    self.scales = scales
    self.constant = constant
    self.isRoundedAlways = isRoundedAlways
    self.finish = finish
    self.table = table
    self.values = values
    self.unreadStatement = unreadStatement
    self.advice =
      advice
      ?? "convert it with the program that wrote it, or take the model before it was quantised"
  }

  /// Whether codes are eight-bit floats with one scale that is none of tiles, which ComfyUI's scaled
  /// weights are.
  package var isScaledFloat: Bool {
    isRead && codes == nil && scales.count == 1 && scales[0].rule.tile == nil
      && scales[0].tileKey == nil && finish == nil && !isRoundedAlways
  }

  /// The same where something keeps its numbers from being read.
  var unread: StoredForm { StoredForm(name: name, title: title, advice: advice) }

  /// The same of layers of which config.json says something else than of those that are read.
  ///
  /// - Parameters:
  ///   - statement: what it says.
  ///   - advice: what to do; nil for what is advised where it isn't at hand.
  /// - Returns: a form that isn't read.
  func unread(saying statement: String, advice: String?) -> StoredForm {
    StoredForm(
      name: name, title: title, advice: advice ?? self.advice, unreadStatement: statement)
  }

  /// A form that isn't known here.
  static let unknown = StoredForm(name: "unknown", title: "a form not known here")

  /// Whether both are the same form: one name may stand for several ways to recognise it.
  public static func == (left: StoredForm, right: StoredForm) -> Bool {
    left.name == right.name && left.title == right.title && left.isRead == right.isRead
      && left.unreadStatement == right.unreadStatement
  }
}

/// What a form says of a tensor beside its codes, before a layer is looked at.
struct ScaleEntry: Sendable {
  let rule: ScaleRule
  /// What says the tile, in the layer's description or config.json; nil where all have the rule's.
  let tileKey: String?
  /// Whether each stands for a row of codes, which is a run of elements.
  var hasRunsOfCodes = false
  /// Of numbers that are codes themselves, the names of what belongs to them.
  let nested: NestedNames?

  /// Tensors with the table and the factors, and what a description calls the length of runs and the
  /// number that is added.
  struct NestedNames: Sendable {
    let table: String
    let factors: String
    let run: String
    let offset: String
  }
}

/// How the codes of a form are packed.
struct CodeTypes: Sendable {
  /// What a layer's note calls the number that tells their type; nil where all have the usual one.
  let key: String?
  /// The types by that number.
  let types: [String: BlockType]
  /// The type where nothing is said.
  let usual: BlockType

  /// The type of a layer with a note; nil for a number that isn't known.
  func type(_ note: StorageNotes.Note?) -> BlockType? {
    guard let key, let said = note?[key] else { return usual }
    return said.integer.flatMap { types["\($0)"] }
  }
}

/// A layer whose weight is stored in another form than as plain numbers: codes, and what they are
/// multiplied by.
public struct StoredLayer: Sendable {
  /// The module's path.
  public let path: String
  /// The tensor with the codes.
  public let weight: String
  /// What the codes are.
  let dtype: DType
  /// What belongs to the codes: scales, notes and whatever else stands beside them.
  public let helpers: [String]
  /// How they are stored.
  public let form: StoredForm
  /// How they are packed where they are no elements of ``dtype``.
  let codes: BlockType?
  /// The weight's shape where that of the codes doesn't tell it; nil where it does.
  let shape: [Int]?
  /// The order of the codes.
  let order: CodeOrder
  /// The tensors that make numbers of the codes, where they are read.
  let scales: [LayerScale]
  /// What is done with the numbers then; nil for nothing.
  let finish: LayerFinish?
  /// What the layer's note says; nil without a note.
  package let note: StorageNotes.Note?
  /// The name of the tensor that marks the component which the layer is in; nil where there is none.
  package let marker: String?
  /// Why the numbers can't be read, beyond the form.
  let reason: String?

  /// What the model calls the weight.
  var parameter: String { StoredGroup.parameter(ofLayer: path) }

  /// The tensor of this layer that has a name in it, or nil.
  package func helper(_ name: String) -> String? {
    let start = path.isEmpty ? 0 : path.utf8.count + 1
    return helpers.first { $0.utf8.dropFirst(start).elementsEqual(name.utf8) }
  }
}

/// The order in which a layer's codes stand for a weight's elements.
enum CodeOrder: Sendable, Equatable {
  /// That of the elements.
  case rows
  /// In planes of four or two bits, where so many runs of elements have a factor each.
  case planes(runs: Int)
  /// That of the elements of the weight with its axes exchanged; what stands beside them is `[1, rows]`.
  case transposed
}

/// What is known of a tensor beside a layer's codes.
struct LayerScale: Sendable {
  let rule: ScaleRule
  /// Of numbers that are codes themselves.
  let nested: Nested?

  /// Tensors with the table and the factors, the length of runs and what is added.
  struct Nested: Sendable {
    let table: String
    let factors: String
    let run: Int
    let offset: Float
  }
}

extension StoredLayer: CustomStringConvertible {
  /// What it is, naming the codes and what stands beside them.
  public var description: String {
    var text = "tensor '\(weight)' (\(dtype.rawValue))"
    if reason == nil, let helper = helpers.first { text += " with '\(helper)'" }
    text += form.name == StoredForm.unknown.name ? " is stored in " : " is stored as "
    return text + form.title + (reason.map { " (\($0))" } ?? "")
  }
}
