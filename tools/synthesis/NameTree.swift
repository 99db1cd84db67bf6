internal import Checkpoints
internal import JSON

/// The names and shapes of a component's tensors as its description writes them: a tree whose branches
/// are parts of names and whose leaves are shapes.
///
/// Braces stand for several names: `{q,k,v}` for these, and an expression such as `{num_layers}` for
/// 0, 1 … up to its value. Sizes are integers, or expressions of config.json's keys
/// (`num_heads*d_kv`, `vision_config.hidden_size`), so that one tree fits a model of any width.
struct NameTree {
  let root: JSONObject
  let configuration: JSONObject

  /// A tensor's name and shape.
  typealias Entry = (name: String, shape: [Int])

  /// Every tensor, in the order of the tree; the numbers of blocks outermost.
  var entries: [Entry] { entries(of: root, prefix: "") }

  private func entries(of object: JSONObject, prefix: String) -> [Entry] {
    object.members.flatMap { member in
      names(member.key).flatMap { name -> [Entry] in
        if let branch = member.value.object {
          return entries(of: branch, prefix: prefix + name + ".")
        }
        return [(prefix + name, (member.value.array ?? []).map(size))]
      }
    }
  }

  /// The names that a text with braces stands for.
  private func names(_ text: String) -> [String] {
    guard let open = text.firstIndex(of: "{"), let close = text[open...].firstIndex(of: "}") else {
      return [text]
    }
    let inside = text[text.index(after: open)..<close]
    let choices =
      inside.contains(",")
      ? inside.split(separator: ",").map(String.init)
      : (0..<value(String(inside))).map(String.init)
    let rests = names(String(text[text.index(after: close)...]))
    return choices.flatMap { choice in rests.map { text[..<open] + choice + $0 } }
  }

  private func size(_ value: JSONValue) -> Int {
    value.integer ?? self.value(value.string ?? "")
  }

  private func value(_ expression: String) -> Int {
    let found = DimensionExpression(expression).value {
      JSONValue.object(configuration).value(atPath: $0)?.integer
    }
    guard let found else { preconditionFailure("'\(expression)': config.json doesn't tell") }
    return found
  }
}

extension JSONValue {
  /// The value of a key, or of one inside others: `text_config.num_hidden_layers`.
  fileprivate func value(atPath path: String) -> JSONValue? {
    path.split(separator: ".").reduce(self) { $0?[String($1)] }
  }
}
