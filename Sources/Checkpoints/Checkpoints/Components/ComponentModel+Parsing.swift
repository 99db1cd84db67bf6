internal import Formats
internal import JSON
internal import Text

extension ComponentModel {
  /// Every component that `formats/` describes, by name.
  public static let all: [ComponentModel] =
    EmbeddedFormats.documents(schema: "glance-component/1").map(ComponentModel.init)

  /// The component of a short name such as `clip-text`.
  public static func named(_ name: String) -> ComponentModel? { all.first { $0.name == name } }

  /// Reads a component's file. Its faults are ours, so they trap; the tests read every file.
  init(_ document: JSONValue) {
    name = document.text("name")
    kind = document.text("kind")
    title = document.text("title")
    classes = document.texts("classes")
    numbers = document.list("numbers").map(NumberSource.init)
    sizes = document.texts("sizes")
    let groups = document["groups"]
    let entries = document.list("parts")
    let parts = entries.map { Part($0, groups: groups) }
    self.parts = parts
    ignored = document.texts("ignored")
    layouts = document.list("layouts").reduce(into: []) { layouts, entry in
      let shared = entry["names"]?.string.map { names in
        layouts.first { $0.name == names } ?? { preconditionFailure("layout '\(names)'") }()
      }
      layouts.append(Layout(entry, sharing: shared))
    }
    namings = document.list("layouts").map { entry in
      let shared = document.list("layouts").first { $0.text("name") == entry["names"]?.string }
      return Naming(shared ?? entry, parts: parts, entries: entries)
    }
    checks = document.members("checks").map {
      ($0.key, DimensionExpression($0.value.string ?? ""))
    }
    published = document.list("published").map {
      Published(
        owner: $0.text("of"), sizes: $0.sizes("when"), absent: $0.texts("absent"),
        configuration: JSONObject($0.members("config")))
    }
  }
}

extension ComponentModel.NumberSource {
  init(_ entry: JSONValue) {
    name = entry.text("name")
    isFirst = entry["first"] != nil
    added = entry["plus"]?.integer ?? 0
    lacking = entry["lacking"]?.string
    isComputedWith = entry["computed"]?.bool ?? false
    patterns = entry.texts(isFirst ? "first" : "count").map { text in
      guard case (let head, let tail?) = text.parts(around: "{}") else {
        preconditionFailure("'\(text)': one number")
      }
      return (head, tail)
    }
  }
}

extension ComponentModel.Part {
  init(_ entry: JSONValue, groups: JSONValue?) {
    path = NumberedPath(entry.text("path"))
    loops = entry.members("for").map { ($0.key, DimensionExpression($0.value.string ?? "")) }
    if let group = entry["group"]?.string {
      modules = (groups?.list(group) ?? []).map { .init($0, path: $0.text("path")) }
      precondition(!modules.isEmpty, "group '\(group)'")
    } else {
      modules = [.init(entry, path: "")]
    }
  }
}

extension ComponentModel.Module {
  init(_ entry: JSONValue, path: String) {
    self.path = path
    guard let kind = Kind(rawValue: entry.text("kind")) else {
      preconditionFailure("\(path): kind")
    }
    self.kind = kind
    shape = entry.list("shape").map {
      DimensionExpression($0.integer.map(String.init) ?? $0.string ?? "")
    }
    isOptional = entry["optional"]?.bool ?? false
    unlessEqual = entry.texts("unless")
    needed = entry["with"]?.string
  }
}

extension ComponentModel.Naming {
  /// Reads what a layout calls the parts; what it doesn't name is called as in the canonical one.
  init(_ layout: JSONValue, parts: [ComponentModel.Part], entries: [JSONValue]) {
    self.parts = zip(parts, entries).map { part, entry in
      let path = entry.text("path")
      let group = entry["group"]?.string ?? ""
      let names = layout["groups"]?[group]
      let ones = layout["ones"]?.texts(group) ?? []
      return PartName(
        path: layout["parts"]?[path]?.string.map(NumberedPath.init) ?? part.path,
        others: entry.texts("also").map(NumberedPath.init),
        modules: part.modules.map { module in
          (names?[module.path]?.string ?? module.path, ones.contains(module.path) ? 2 : 0)
        })
    }
  }
}
