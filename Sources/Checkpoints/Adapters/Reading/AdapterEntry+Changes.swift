internal import Tensors
internal import Text

/// What the tensors of a module mean that is adapted otherwise than by a LoRA.
extension AdapterFile.Entry {
  /// Reads the changes of a method.
  ///
  /// - Parameters:
  ///   - reading: how the method's tensors are read; not as lengths.
  ///   - lora: the module's LoRA, where there is one.
  ///   - columns: of the module's weight, where another change of it tells.
  /// - Returns: one change, or one of the weight and one of the bias.
  /// - Throws: ``ChangeFault`` when tensors are missing or contradict each other.
  func changes(
    _ reading: AdapterMethod.Reading, lora: Self?, columns: Int?
  ) throws(ChangeFault) -> [FoundChange] {
    switch reading {
    case .magnitude: return []
    case .hadamard:
      let (first, second) = (try pair("hada_w1"), try pair("hada_w2"))
      guard first.up.shape[0] == second.up.shape[0], first.down.shape[1] == second.down.shape[1]
      else { throw ChangeFault("its two products differ in shape") }
      return [FoundChange(parameter: .weight, values: .hadamard(first, second), scale: scale ?? 1)]
    case .kronecker:
      // Source: KohakuBlueleaf/LyCORIS, `modules/lokr.py`: "if self.use_w1 and self.use_w2: alpha =
      // lora_dim", so that an alpha means nothing where both factors are whole.
      return [
        FoundChange(
          parameter: .weight,
          values: .kronecker(left: try factor("lokr_w1"), right: try factor("lokr_w2")),
          scale: scale ?? 1)
      ]
    case .difference: return try differences(columns: columns)
    case .replacement, .norms: return try replacements(lora: lora, columns: columns)
    case .shape:
      try checkShape(lora: lora)
      return []
    case .scaledBias:
      guard let bias = partsOfMethod.values.first, partsOfMethod.count == 1 else {
        throw ChangeFault("several biases of one module")
      }
      guard let lora, let scale = lora.scale else {
        throw ChangeFault("there is no LoRA of the module that its bias belongs to")
      }
      // Source: huggingface/peft, `tuners/lora/layer.py`, `Linear.merge`: bias += lora_B.bias · scaling.
      return [
        FoundChange(
          parameter: .bias, values: .difference(try vector(bias)), scale: scale,
          columns: columns)
      ]
    }
  }

  /// Source: Comfy-Org/ComfyUI, `comfy/lora.py`: `.diff` and `.w_norm` are added to weights,
  /// `.diff_b` and `.b_norm` to biases, times the strength alone.
  private func differences(columns: Int?) throws(ChangeFault) -> [FoundChange] {
    var found: [FoundChange] = []
    for ending in [".diff", ".w_norm"] {
      guard let weight = partsOfMethod[ending] else { continue }
      guard (1...2).contains(weight.shape.count) else {
        throw ChangeFault("a difference \(weight.shape), expected one axis or two")
      }
      found.append(FoundChange(parameter: .weight, values: .difference(weight)))
    }
    for ending in [".diff_b", ".b_norm"] {
      guard let bias = partsOfMethod[ending] else { continue }
      found.append(
        FoundChange(
          parameter: .bias, values: .difference(try vector(bias)), columns: columns))
    }
    return found
  }

  /// Source: black-forest-labs/flux, `util.py`, `load_flow_model`: norms of a control LoRA are loaded in place of
  /// the base's; Comfy-Org/ComfyUI, `comfy/lora.py`, `load_lora` and `calculate_weight`: `.set_weight` is put in
  /// the parameter's place, and of several patches of one the last counts; huggingface/peft 0.21.2,
  /// `utils/save_and_load.py`, `get_peft_model_state_dict`: modules of `modules_to_save` are saved whole under their own
  /// names, and `tuners/tuners_utils.py`: with `bias` biases are as well, those of adapted modules as
  /// `base_layer.bias`; both take the place of the base's, whatever alpha is.
  private func replacements(lora: Self?, columns: Int?) throws(ChangeFault) -> [FoundChange] {
    var found: [FoundChange] = []
    for (ending, values) in partsOfMethod.sorted(by: { $0.key < $1.key }) {
      let isBias = ending == ".bias.set_weight" || ending.utf8HasSuffix(".bias")
      guard !found.contains(where: { ($0.parameter == .bias) == isBias }) else {
        throw ChangeFault("several values of one parameter")
      }
      if isBias {
        found.append(
          FoundChange(
            parameter: .bias, values: .replacement(try vector(values)), columns: columns))
        continue
      }
      guard (1...2).contains(values.shape.count) else {
        throw ChangeFault("what a weight becomes is \(values.shape), expected one axis or two")
      }
      guard lora?.down == nil, lora?.up == nil else {
        throw ChangeFault("a LoRA of a weight that is replaced")
      }
      found.append(FoundChange(parameter: .weight, values: .replacement(values)))
    }
    return found
  }

  /// Refuses a shape that isn't the LoRA's own, which its base is widened to anyhow.
  ///
  /// Source: Comfy-Org/ComfyUI, `comfy/weight_adapter/lora.py`, `calculate_weight` (`pad_tensor_to_shape`).
  private func checkShape(lora: Self?) throws(ChangeFault) {
    guard let shape = partsOfMethod.values.first?.integers, partsOfMethod.count == 1 else {
      throw ChangeFault("the shape of a weight is no list of whole numbers")
    }
    guard let down = lora?.down, let up = lora?.up, down.shape.count == 2, up.shape.count == 2
    else { throw ChangeFault("there is no LoRA of the module that is given a shape") }
    let own = [up.shape[0], down.shape[1]]
    guard shape == own else {
      throw ChangeFault("its weight is given the shape \(shape), and its LoRA is \(own)")
    }
  }

  private func vector(_ tensor: TensorView) throws(ChangeFault) -> TensorView {
    guard tensor.shape.count == 1 else {
      throw ChangeFault("a bias or norm \(tensor.shape), expected one axis")
    }
    return tensor
  }

  private func factor(_ name: String) throws(ChangeFault) -> ChangedValues.KroneckerFactor {
    guard let whole = partsOfMethod["." + name] else { return .divided(try pair(name)) }
    guard partsOfMethod[".\(name)_a"] == nil, partsOfMethod[".\(name)_b"] == nil else {
      throw ChangeFault("\(name) is there whole and divided")
    }
    guard whole.shape.count == 2, !whole.shape.contains(0) else {
      throw ChangeFault("\(name) is \(whole.shape), expected two axes")
    }
    return .whole(whole)
  }

  /// Two factors, `NAME_a` `[rows, rank]` and `NAME_b` `[rank, columns]`.
  private func pair(_ name: String) throws(ChangeFault) -> ChangedValues.LowRankPair {
    guard let up = partsOfMethod[".\(name)_a"], let down = partsOfMethod[".\(name)_b"] else {
      let missing = partsOfMethod[".\(name)_a"] == nil ? "a" : "b"
      throw ChangeFault("there is no \(name)_\(missing)")
    }
    guard up.shape.count == 2, down.shape.count == 2, up.shape[1] == down.shape[0],
      !up.shape.contains(0), !down.shape.contains(0)
    else {
      throw ChangeFault("\(name)_a \(up.shape) and \(name)_b \(down.shape) can't be multiplied")
    }
    return .init(down: down, up: up)
  }
}
