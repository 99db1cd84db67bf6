internal import Text

/// The name of one file of several: `<base>-00002-of-00009.safetensors`.
///
/// Source: huggingface/huggingface_hub, `serialization/_base.py`, `split_state_dict_into_shards_factory`.
struct ShardName: Hashable {
  /// What comes before the numbers, a variant included: `diffusion_pytorch_model.fp16`.
  let base: String
  /// From 1.
  let number: Int
  let count: Int

  init(base: String, number: Int, count: Int) {
    self.base = base
    self.number = number
    self.count = count
  }

  /// Reads a file name; nil when it has another form.
  init?(_ name: String) {
    guard let stem = name.droppingSuffix(".safetensors") else { return nil }
    let parts = stem.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count >= 4, parts[parts.count - 2] == "of",
      let number = ShardName.number(parts[parts.count - 3]),
      let count = ShardName.number(parts[parts.count - 1]), 1...count ~= number
    else { return nil }
    self.init(base: parts.dropLast(3).joined(separator: "-"), number: number, count: count)
  }

  var name: String {
    "\(base)-\(ShardName.digits(number))-of-\(ShardName.digits(count)).safetensors"
  }

  private static func number(_ text: Substring) -> Int? {
    let isPlain = text.utf8.count == 5 && text.utf8.allSatisfy { 0x30...0x39 ~= $0 }
    guard isPlain, let number = Int(text), number > 0 else { return nil }
    return number
  }

  private static func digits(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
  }
}
