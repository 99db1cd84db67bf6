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
  /// The tensors in its layer that codes are multiplied by.
  let scales: [ScaleRule]
  /// What to do where they aren't read.
  let advice: String

  init(
    name: String, title: String, isRead: Bool = false, codes: CodeTypes? = nil,
    scales: [ScaleRule] = [], advice: String? = nil
  ) {
    self.name = name
    self.title = title
    self.isRead = isRead
    self.codes = codes
    self.scales = scales
    self.advice =
      advice
      ?? "convert it with the program that wrote it, or take the model before it was quantised"
  }

  /// Whether codes are eight-bit floats with one scale that is none of tiles, which ComfyUI's scaled
  /// weights are.
  package var isScaledFloat: Bool {
    isRead && codes == nil && scales.count == 1 && scales[0].tile == nil
  }

  /// A form that isn't known here.
  static let unknown = StoredForm(name: "unknown", title: "a form not known here")

  /// Whether both are the same form: one name may stand for several ways to recognise it.
  public static func == (left: StoredForm, right: StoredForm) -> Bool {
    left.name == right.name && left.title == right.title && left.isRead == right.isRead
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
  /// What the layer's note says; nil without a note.
  package let note: StorageNotes.Note?
  /// The name of the tensor that marks the component which the layer is in; nil where there is none.
  package let marker: String?
  /// Why the numbers can't be read, beyond the form.
  let reason: String?

  /// What the model calls the weight.
  var parameter: String { (path.isEmpty ? "" : path + ".") + "weight" }

  /// The tensor of this layer that has a name in it, or nil.
  package func helper(_ name: String) -> String? {
    let start = path.isEmpty ? 0 : path.utf8.count + 1
    return helpers.first { $0.utf8.dropFirst(start).elementsEqual(name.utf8) }
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
