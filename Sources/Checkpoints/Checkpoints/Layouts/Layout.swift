internal import Formats
package import JSON

/// A naming scheme for the tensors of a family, and how its modules are made of the canonical
/// ones: renamed, stacked by rows, or with the halves of the first axis exchanged.
public struct Layout: Sendable {
  /// Such as `diffusers`, `bfl`, `comfyui`.
  public let name: String
  /// What stands before every tensor's name.
  public let prefix: String
  /// Sets of tensors of which any one shows that a file has this layout (after its prefix).
  public let signatures: [[String]]
  /// Where each kind of blocks is; a kind that isn't listed is where the canonical layout has it.
  let blockPaths: [(kind: String, path: String)]
  /// How this layout's modules are made; none for the canonical names.
  public let rules: [Rule]
  /// The layout whose names these are: itself, or the one it only puts a prefix before.
  public let namesOf: String
  /// Whether a folder with these names has a config.json: whether the class that it names has them.
  package let hasConfiguration: Bool
  /// Whether only GGUF files have these names whose header says what they are: others have them, too.
  let needsGGUFHeader: Bool
  /// Tensors of the model that files with these names keep in several.
  let stacks: [TensorStack]

  /// One module of a layout, made of one or several canonical modules.
  public struct Rule: Sendable {
    /// Path in this layout.
    public let path: PathTemplate
    /// The canonical modules whose rows it holds, in this order.
    public let parts: [PathTemplate]
    /// Whether the two halves of the first axis stand in the other order, for weight and bias.
    public let swapsHalves: Bool
    /// Names of a parameter here, the one to write first; none for the same name.
    let parameterNames: [(canonical: String, names: [String])]
    /// Positions of ``parts`` in the family's modules.
    package let modules: [Int]

    /// What a canonical parameter (`weight`, `bias`) is called here, the name to write first.
    public func names(ofParameter parameter: String) -> [String] {
      parameterNames.first { $0.canonical == parameter }?.names ?? [parameter]
    }
  }

  /// Where a kind of blocks is in this layout.
  func blockPath(of kind: ModelFamily.BlockKind) -> String {
    blockPaths.first { $0.kind == kind.name }?.path ?? kind.path
  }
}

extension Layout {
  /// Reads the `layouts` of a family's file; a layout with `names` shares another one's rules.
  static func list(_ entries: [JSONValue], modules: [ModuleTemplate]) -> [Layout] {
    var layouts: [Layout] = []
    for entry in entries {
      let shared = entry["names"]?.string.map { names in
        layouts.first { $0.name == names } ?? { preconditionFailure("layout '\(names)'") }()
      }
      let rules = shared?.rules ?? entry.list("rules").map { Rule($0, modules: modules) }
      layouts.append(
        Layout(
          name: entry.text("name"), prefix: entry["prefix"]?.string ?? "",
          signatures: shared?.signatures ?? entry.signatures,
          blockPaths: shared?.blockPaths
            ?? entry.members("blocks").map { ($0.key, $0.value.string ?? "") },
          rules: rules, namesOf: shared?.name ?? entry.text("name"),
          hasConfiguration: rules.isEmpty, needsGGUFHeader: false, stacks: []))
    }
    return layouts
  }

  /// Reads a layout of a component, whose rules are its ``ComponentModel/Naming``.
  init(_ entry: JSONValue, sharing shared: Layout?) {
    self.init(
      name: entry.text("name"), prefix: "",
      signatures: shared?.signatures ?? entry.signatures, blockPaths: [], rules: [],
      namesOf: shared?.name ?? entry.text("name"),
      hasConfiguration: entry["configuration"]?.bool ?? false,
      needsGGUFHeader: entry["gguf"]?.bool ?? false,
      stacks: entry.list("stacks").map(TensorStack.init))
  }
}

extension JSONValue {
  /// Sets of tensors of which any one shows what a file is.
  var signatures: [[String]] {
    list("signatures").map { ($0.array ?? []).compactMap(\.string) }
  }
}

extension Layout.Rule {
  /// Reads a rule; `templates` are the modules of the family that it belongs to.
  package init(_ entry: JSONValue, modules templates: [ModuleTemplate]) {
    path = PathTemplate(entry.text("from"))
    parts = entry.texts("to").map(PathTemplate.init)
    swapsHalves = entry["swap_halves"]?.bool ?? false
    parameterNames = entry.members("names").map {
      ($0.key, ($0.value.array ?? []).compactMap(\.string))
    }
    modules = parts.map { part in
      guard let position = templates.firstIndex(where: { $0.path == part }) else {
        preconditionFailure("rule for '\(part.text)', which is no module")
      }
      return position
    }
    precondition(!parts.isEmpty && !(swapsHalves && parts.count > 1), "\(path.text): bad rule")
  }
}
