internal import Checkpoints
internal import Formats
internal import JSON
internal import Text

extension LoaderRules {
  /// What happens to keys of methods that aren't plain LoRA.
  struct MethodRule: Sendable {
    let outcome: Outcome
    let why: String
    private let methods: [String]
    private let family: String?
    /// What stands before the modules.
    let prefixes: [String]?
    private let isAlone: Bool?

    init(_ entry: JSONValue) {
      guard let outcome = Outcome(rawValue: entry.text("then")) else {
        preconditionFailure("loaders.json: methods")
      }
      self.outcome = outcome
      why = entry.text("why")
      methods = entry.texts("methods")
      family = entry["family"]?.string
      prefixes = entry["prefixes"] == nil ? nil : entry.texts("prefixes")
      isAlone = entry["alone"]?.bool
    }

    fileprivate func fits(_ method: AdapterFile.Method, _ facts: Facts) -> Bool {
      methods.contains(method.title) && (family == nil || family == facts.family?.name)
        && (isAlone == nil || isAlone == facts.hasOnlyMethods)
        && method.modules.allSatisfy { module in
          prefixes?.contains(module.fileName.prefix.text) != false
        }
    }
  }

  /// The rule for what a file has of a method; nil when the table has none.
  func rule(for method: AdapterFile.Method, _ facts: Facts) -> MethodRule? {
    methods.first { $0.fits(method, facts) }
  }

  /// Whether a module of a method is applied, when the method is: its name must be one that the
  /// loader knows.
  func applies(_ module: AdapterFile.Entry, _ rule: MethodRule, _ facts: Facts) -> Bool {
    rule.prefixes != nil || self.rule(for: module, facts)?.outcome == .loads
  }
}

/// What a loader asks of `lora_adapter_metadata`: it makes PEFT's configuration of it.
struct LoaderHeaderRule: Sendable {
  private let fields: [String]
  private let needs: [String]

  init(_ entry: JSONValue) {
    fields = entry.texts("fields")
    needs = entry.texts("needs")
  }

  /// Why no configuration can be made for a component; nil when it can.
  func fault(of text: String, component: String) -> String? {
    guard let json = try? JSONValue(parsing: text), let object = json.object else {
      return "lora_adapter_metadata is no JSON object"
    }
    let prefix = component + "."
    let given = object.members.filter { $0.key.utf8HasPrefix(prefix) }
      .map { (name: String($0.key.utf8.dropFirst(prefix.utf8.count)), value: $0.value) }
    if let odd = given.first(where: { !fields.contains($0.name) }) {
      return "lora_adapter_metadata has '\(prefix)\(odd.name)', which its PEFT doesn't know"
    }
    let absent = needs.first { need in
      !given.contains { $0.name == need && $0.value != .null }
    }
    return absent.map {
      "lora_adapter_metadata has no '\(prefix)\($0)', without which PEFT makes no configuration"
    }
  }
}
