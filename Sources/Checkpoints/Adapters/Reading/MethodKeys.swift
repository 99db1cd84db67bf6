internal import Elements
internal import Tensors
internal import Text

/// The keys of an adapter file that aren't plain LoRA, by their method.
struct MethodKeys {
  private(set) var methods: [Found] = []
  private var zeroCount = 0

  /// A method with the keys that were found of it.
  struct Found {
    let method: AdapterMethod
    var keyCount = 0
    var elementCount = 0
    let example: String
    /// The modules that it changes, in the order of the file.
    var modules: [AdapterFile.Entry] = []
    fileprivate var positions: [String: Int] = [:]
  }

  /// Whether some method was found that changes something.
  var hasMethods: Bool { !methods.isEmpty }

  /// Counts a tensor of a method. Where the method says so, its elements are looked at: trainers
  /// write differences of biases that they never changed.
  mutating func add(_ tensor: TensorView, _ method: AdapterMethod, stem: String) {
    if method.isNothingWhenZero && tensor.isZero {
      zeroCount += 1
      return
    }
    let position: Int
    if let known = methods.firstIndex(where: { $0.method.title == method.title }) {
      position = known
    } else {
      position = methods.count
      methods.append(Found(method: method, example: tensor.name))
    }
    methods[position].add(tensor, stem: stem)
  }

  /// One problem for each method that isn't read, those that are part of another one counted there.
  ///
  /// - Parameters:
  ///   - plainCount: how many modules are left when the methods are left out.
  ///   - withLoRA: how many modules of a method have a LoRA, which goes with it.
  /// - Returns: the problems, in the order of the file.
  func problems(plainCount: Int, withLoRA: (Found) -> Int) -> [AdapterProblem] {
    var found: [AdapterProblem] = []
    for part in methods where part.method.reading == nil {
      let method = part.method
      if methods.contains(where: { $0.method.included == method.title }) { continue }
      let included = methods.first { $0.method.title == method.included }?.keyCount ?? 0
      let isOptional = method.partial != nil && plainCount > 0
      let partial =
        isOptional
        ? "--partial of glance-convert and glance-merge takes the \(plainCount) plain "
          + "module\(plainCount == 1 ? "" : "s") alone" : nil
      let advice = [method.whatToDo, partial].compactMap(\.self)
      found.append(
        .otherMethod(
          OtherMethodFacts(
            method: method.title, keyCount: part.keyCount + included, example: part.example,
            advice: advice.isEmpty ? nil : advice.joined(separator: "; or "),
            isOptional: isOptional, loraCount: withLoRA(part))))
    }
    if zeroCount > 0 { found.append(.zeroDifferences(count: zeroCount)) }
    return found
  }
}

extension MethodKeys.Found {
  fileprivate mutating func add(_ tensor: TensorView, stem: String) {
    keyCount += 1
    elementCount += tensor.elementCount
    if method.shared.contains(where: { tensor.name.utf8Offset(of: $0) != nil }) { return }
    let position = positions[stem] ?? modules.count
    if position == modules.count {
      positions[stem] = position
      var module = AdapterFile.Entry(name: stem)
      module.sizesOfMethod = [method.rows, method.columns].map {
        .init(repeating: nil, count: $0.count)
      }
      modules.append(module)
    }
    let ending = String(Substring(tensor.name.utf8.dropFirst(stem.utf8.count)))
    modules[position].partsOfMethod[ending] = tensor.withoutTrailingOnes
    if method.ranks.contains(where: tensor.name.utf8HasSuffix) {
      modules[position].rankOfMethod = tensor.shape.first
    }
    guard tensor.shape.count == 2 else { return }
    for (axis, lists) in [method.rows, method.columns].enumerated() {
      for (number, endings) in lists.enumerated()
      where endings.contains(where: tensor.name.utf8HasSuffix) {
        modules[position].sizesOfMethod[axis][number] = tensor.shape[axis]
      }
    }
  }
}

extension TensorView {
  /// Whether all elements are zero, of either sign.
  var isZero: Bool {
    dtype.isWidenable
      ? floats().allSatisfy { $0 == 0 } : copiedBytes.allSatisfy { $0 == 0 }
  }
}
