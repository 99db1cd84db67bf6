internal import JSON

/// What an adapter's factors were before training, and so what they are a difference to.
///
/// Most begin with a product of zero. Some begin with factors that are taken out of the base's
/// weights: trained, they are a difference to what is left of the base, not to the base.
///
/// Source: huggingface/peft, `tuners/lora/layer.py`: `pissa_init`, `olora_init`, `corda_init`,
/// `loftq_init` and `lora_ga_init` change the base's weight, `orthogonal_init` and `eva` don't.
enum AdapterBeginning: Sendable, Equatable {
  /// A product of zero, or nothing said.
  case zero
  /// Factors that were taken out of the base: the method's name, and the field that says so.
  case takenOut(title: String, field: String)
  /// A way to begin that isn't known here.
  case unknown(String)

  /// Reads `init_lora_weights` and what else PEFT's LoraConfig says of it.
  init(_ fields: JSONObject) {
    let keys = StatedScales.shared
    let text = fields["init_lora_weights"]?.string
    for base in keys.otherBases {
      if let start = base.start, let text, text.lowercased().utf8.starts(with: start.utf8) {
        self = .takenOut(title: base.title, field: "init_lora_weights")
        return
      }
      if let field = base.field, let value = fields[field], value != .null {
        self = .takenOut(title: base.title, field: field)
        return
      }
    }
    if let text, !["true", "false"].contains(text.lowercased()),
      !keys.ownBases.contains(text.lowercased())
    {
      self = .unknown(text)
    } else if let value = fields["init_lora_weights"], text == nil, value.bool == nil,
      value != .null
    {
      self = .unknown(value.text(.compact))
    } else {
      self = .zero
    }
  }
}
