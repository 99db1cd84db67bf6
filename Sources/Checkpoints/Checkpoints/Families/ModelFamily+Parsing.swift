internal import Formats
internal import JSON

extension ModelFamily {
  /// Every family that `formats/` describes, by name.
  public static let all: [ModelFamily] =
    EmbeddedFormats.documents(schema: "glance-family/1").map(ModelFamily.init)

  /// The family of a short name such as `flux1`.
  public static func named(_ name: String) -> ModelFamily? { all.first { $0.name == name } }

  /// The family whose transformer has this diffusers class.
  public static func ofTransformer(className: String) -> ModelFamily? {
    all.first { $0.className == className }
  }

  /// Reads a family's file. Its faults are ours, so they trap; the tests read every file.
  init(_ document: JSONValue) {
    name = document.text("family")
    title = document.text("title")
    className = document.text("class")
    modelSpecName = document.text("architecture")
    implementation = document.text("implementation")
    blocks = document.list("blocks").map {
      BlockKind(name: $0.text("name"), path: $0.text("path"), largestCount: $0.count("largest"))
    }
    dimensions = document.list("dimensions").map {
      DimensionSource(
        name: $0.text("name"), sources: $0.texts("from").map(Self.source),
        usual: $0["usual"]?.string.map(DimensionExpression.init))
    }
    publishedSizes = document.sizes("published")
    flags = document.list("flags").map {
      Flag(name: $0.text("name"), tensors: $0.texts("tensors"), marker: $0["marker"]?.string)
    }
    modules = document.list("modules").map(ModuleTemplate.init)
    variants = document.list("variants").map(Variant.init)
    configuration = document.members("config").map(ConfigurationRule.init)
    targetPresets = document.members("targets").map {
      ($0.key, ($0.value.array ?? []).compactMap(\.string))
    }
    layouts = Layout.list(document.list("layouts"), modules: modules)
  }

  /// Reads `x_embedder.weight[0]`.
  private static func source(_ text: String) -> (tensor: String, axis: Int) {
    guard let open = text.lastIndex(of: "["),
      let axis = Int(text[text.index(after: open)...].dropLast())
    else { preconditionFailure("'\(text)': expected tensor[axis]") }
    return (String(text[..<open]), axis)
  }
}

extension ModelFamily.Variant {
  init(_ entry: JSONValue) {
    name = entry.text("name")
    title = entry.text("title")
    sizes = entry.sizes("when")
    flags = entry.flags("when")
    otherFlags = entry.flags("also")
  }
}

extension ModelFamily.ConfigurationRule {
  init(_ member: JSONObject.Member) {
    key = member.key
    let entry = member.value
    if let value = entry["value"]?.integer {
      requirement = .value(value)
    } else if let sum = entry["sum"]?.string {
      requirement = .sum(sum, initial: (entry["default"]?.array ?? []).compactMap(\.integer))
    } else {
      requirement = .expression(
        DimensionExpression(entry.text("is")), nullWhen: entry["null_when"]?.string)
    }
  }
}
