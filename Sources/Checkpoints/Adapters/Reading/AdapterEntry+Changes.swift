internal import Tensors

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
    case .replacement:
      guard let scales = partsOfMethod.values.first, partsOfMethod.count == 1 else {
        throw ChangeFault("several scales of one norm")
      }
      return [FoundChange(parameter: .weight, values: .replacement(try vector(scales)))]
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
