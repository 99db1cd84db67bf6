internal import Checkpoints
internal import Text

/// Which matrices of an output get codes with factors beside them, and in which form: `nvfp4`, or
/// `nvfp4,img_mod=bf16,single_blocks.0-3=mxfp8`.
///
/// The form that stands alone is that of the blocks' matrices; a rule is for the matrices whose modules have
/// a name that its ``ModulePattern`` matches, inside blocks and outside. The last one that matches counts,
/// also where a tensor holds rows of several modules. `error=3%` among the rules limits the error of all
/// matrices that get codes; see ``RewritingRequest/withinErrorLimit(progress:)``.
struct EncodingRules: Sendable {
  /// How a matrix is stored.
  enum Form: Sendable {
    /// In its 16-bit type, or BF16.
    case plain
    /// ComfyUI's scaled eight-bit floats, newest form.
    case scaled
    case coded(WrittenForm)

    /// Whether a matrix becomes codes.
    var isCoded: Bool { if case .plain = self { false } else { true } }
  }

  /// Of the matrices of blocks that no rule matches.
  private let usual: Form
  private let rules: [(pattern: ModulePattern, form: Form)]
  /// The greatest error of the matrices that get codes, relative to their numbers; nil for any.
  let errorLimit: Double?
  /// Forms of layers that need finer ones than the rules say.
  private let raised: [String: Form]

  /// Reads rules as a person writes them.
  ///
  /// - Parameters:
  ///   - text: the rules.
  ///   - raised: layers that need finer forms than the rules say.
  /// - Throws: ``RewritingError/usage(_:)`` for what names no form or part.
  init(parsing text: String, raised: [RaisedLayer] = []) throws {
    var usual: Form?
    var errorLimit: Double?
    var rules: [(pattern: ModulePattern, form: Form)] = []
    for item in text.split(separator: ",", omittingEmptySubsequences: false) {
      let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      if parts.count == 2, parts[0] == "error" {
        guard errorLimit == nil else {
          throw RewritingError.usage("--encoding: expected one error=PERCENT%, found '\(text)'")
        }
        errorLimit = try Self.share(parts[1])
        continue
      }
      let form = try Self.form(parts[parts.count - 1])
      guard parts.count == 2 else {
        guard usual == nil else {
          throw RewritingError.usage(
            "--encoding: expected one form and then NAME=FORM, found '\(text)'")
        }
        usual = form
        continue
      }
      guard let pattern = ModulePattern(String(parts[0])) else {
        throw RewritingError.usage(
          "--encoding: '\(parts[0])' names no part of a model; expected words between dots, as in "
            + "double_blocks.0-7=mxfp8 or img_mod=bf16")
      }
      rules.append((pattern, form))
    }
    let forms = [usual].compactMap(\.self) + rules.map(\.form)
    if errorLimit != nil, !forms.contains(where: \.isCoded) {
      throw RewritingError.usage(
        "--encoding: error= limits the error of matrices that get codes; expected a form that gives them, as in "
          + "nvfp4,error=5%, found '\(text)'")
    }
    self.usual = usual ?? .plain
    self.rules = rules
    self.errorLimit = errorLimit
    self.raised = try Dictionary(
      raised.map { ($0.layer, try Self.form($0.form[...])) }, uniquingKeysWith: { $1 })
  }

  /// The share that a percentage is.
  private static func share(_ text: Substring) throws -> Double {
    guard text.last == "%", let percent = Double(text.dropLast()), percent > 0, percent < 100 else {
      throw RewritingError.usage(
        "--encoding: error: expected a percentage above 0 and below 100, such as error=3%, found "
          + "'\(text)'")
    }
    return percent / 100
  }

  private static func form(_ name: Substring) throws -> Form {
    switch name.lowercased() {
    case "bf16": return .plain
    case "fp8": return .scaled
    case let name:
      if let form = WrittenForm.all.first(where: { $0.name == name }) { return .coded(form) }
      throw RewritingError.usage(
        "--encoding: expected one of \(names.joined(separator: ", ")), found '\(name)'")
    }
  }

  /// What forms are called.
  private static var names: [String] { WrittenForm.all.map(\.name).sorted() + ["fp8", "bf16"] }

  /// How a tensor is stored; one that is no matrix is plain.
  func form(of tensor: Arrangement.Entry, in family: ModelFamily?) -> Form {
    guard tensor.isLinearMatrix else { return .plain }
    if let form = raised[tensor.layerName] { return form }
    let usual = tensor.isBlockWeight ? self.usual : .plain
    if rules.isEmpty { return usual }
    let names = Self.names(of: tensor, in: family)
    return rules.last { names.contains(where: $0.pattern.matches) }?.form ?? usual
  }

  /// Refuses rules that match none of these tensors.
  func check(_ tensors: [Arrangement.Entry], in family: ModelFamily?) throws {
    guard !rules.isEmpty else { return }
    let names = tensors.filter(\.isLinearMatrix).flatMap { Self.names(of: $0, in: family) }
    for rule in rules where !names.contains(where: rule.pattern.matches) {
      throw RewritingError.usage(
        "--encoding: '\(rule.pattern.text)' is the name of no matrix that is written; expected a part of a "
          + "name such as '\(names.first ?? "")'")
    }
  }

  private static func names(of tensor: Arrangement.Entry, in family: ModelFamily?) -> [String] {
    [tensor.layerName] + tensor.modules.flatMap { family?.names(ofModule: $0) ?? [$0] }
  }
}
