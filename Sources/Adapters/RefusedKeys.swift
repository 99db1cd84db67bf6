internal import Safetensors
internal import Tensors

/// The keys of an adapter file that aren't plain LoRA, by their method.
struct RefusedKeys {
  private var methods: [(refusal: AdapterDialects.Refusal, count: Int, example: String)] = []
  private var zeroCount = 0

  /// Whether some method was found that changes something.
  var hasMethods: Bool { !methods.isEmpty }

  /// Counts a tensor of a method. Where the method says so, its elements are looked at: trainers
  /// write differences of biases that they never changed.
  mutating func add(_ tensor: TensorView, _ refusal: AdapterDialects.Refusal) {
    if refusal.isNothingWhenZero && tensor.isZero {
      zeroCount += 1
    } else if let known = methods.firstIndex(where: { $0.refusal.method == refusal.method }) {
      methods[known].count += 1
    } else {
      methods.append((refusal, 1, tensor.name))
    }
  }

  /// One problem for each method, those that are part of another one counted there.
  var problems: [AdapterProblem] {
    var found: [AdapterProblem] = []
    for (refusal, count, example) in methods {
      if methods.contains(where: { $0.refusal.includes == refusal.method }) { continue }
      let included = methods.first { $0.refusal.method == refusal.includes }?.count ?? 0
      found.append(
        .otherMethod(
          method: refusal.method, keyCount: count + included, example: example,
          advice: refusal.advice))
    }
    if zeroCount > 0 { found.append(.zeroDifferences(count: zeroCount)) }
    return found
  }
}

extension TensorView {
  /// Whether all elements are zero, of either sign.
  var isZero: Bool {
    dtype.isWidenable
      ? floats().allSatisfy { $0 == 0 } : copiedBytes.allSatisfy { $0 == 0 }
  }
}
