/// What a file has of a method beside plain LoRA.
public struct OtherMethodFacts: Sendable, Equatable, CustomStringConvertible {
  /// Name for people: `LoKr`.
  public let method: String
  /// How many keys are of it.
  public let keyCount: Int
  /// One of them.
  public let example: String
  /// What to do, in words.
  public let advice: String?
  /// Whether the file is a plain one without these keys, or without the modules that have them.
  public let isOptional: Bool
  /// How many modules have a LoRA that goes with the keys.
  public let loraCount: Int

  /// What was found.
  package init(
    method: String, keyCount: Int, example: String, advice: String? = nil,
    isOptional: Bool = false, loraCount: Int = 0
  ) {
    self.method = method
    self.keyCount = keyCount
    self.example = example
    self.advice = advice
    self.isOptional = isOptional
    self.loraCount = loraCount
  }

  /// How many keys, and one of them.
  public var description: String {
    "\(keyCount) key\(keyCount == 1 ? "" : "s") of \(method), such as '\(example)'"
  }

  /// The keys, and the LoRAs that go with them.
  var withLoRAs: String {
    switch loraCount {
    case 0: description
    case 1: "\(self), and the LoRA of its module"
    default: "\(self), and the LoRA of its \(loraCount) modules"
    }
  }

  /// What to do, behind what is wrong.
  var advised: String { advice.map { "; \($0)" } ?? "" }
}
