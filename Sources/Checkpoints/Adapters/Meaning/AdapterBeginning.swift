internal import JSON

/// What an adapter's factors were before training, and so what they are a difference to.
///
/// Most begin with a product of zero. Some begin with factors that are taken out of the base's
/// weights: trained, they are a difference to what is left of the base, not to the base.
///
/// Source: huggingface/peft, `tuners/lora/layer.py`: `pissa_init`, `olora_init`, `corda_init`,
/// `loftq_init` and `lora_ga_init` change the base's weight, `orthogonal_init`, `mica_init` and `eva` don't.
enum AdapterBeginning: Sendable, Equatable {
  /// A product of zero, or nothing said.
  case zero
  /// Factors that were taken out of the base: the method's name, the field that says so, and which they
  /// were, where the base tells.
  case takenOut(title: String, field: String, factors: BaseFactors?)
  /// A way to begin that isn't known here.
  case unknown(String)

  /// Reads `init_lora_weights` and what else PEFT's LoraConfig says of it.
  init(_ fields: JSONObject) {
    let keys = StatedScales.shared
    let text = fields["init_lora_weights"]?.string
    for base in keys.otherBases {
      if let start = base.start, let text, text.lowercased().utf8.starts(with: start.utf8) {
        let factors = base.foundAgain.flatMap { known in
          text.lowercased() == known.value ? known.factors : nil
        }
        self = .takenOut(title: base.title, field: "init_lora_weights", factors: factors)
        return
      }
      if let field = base.field, let value = fields[field], value != .null {
        self = .takenOut(title: base.title, field: field, factors: nil)
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

/// First factors that nothing but a weight W of the base and the rank r gives: those of the largest r singular
/// values, or the orthonormal columns that span W's first r columns and what they make of W.
///
/// Random numbers (`pissa_niter_16`), a data set (CorDA), gradients (LoRA-GA) and what a quantiser leaves
/// (LoftQ) are not there to find others again.
///
/// Source: huggingface/peft 0.21.2, `tuners/lora/layer.py`, `pissa_init` and `olora_init`.
public enum BaseFactors: String, Sendable {
  /// W's best approximation of rank r: scale · B₀ · A₀ = Σ σᵢ · uᵢ · vᵢᵀ (PiSSA).
  case singularValues = "singular-values"
  /// Q · R of rank r: B₀ = Q and A₀ = Qᵀ · W, Q of W's first r columns (OLoRA).
  case firstColumns = "first-columns"
}
