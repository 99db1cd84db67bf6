package import JSON
internal import Text

/// A VAE or a text encoder at the sizes of one checkpoint: every tensor it has, whatever its layout.
public struct ComponentArchitecture: Sendable {
  /// What it is.
  public let model: ComponentModel
  /// Counts and sizes by name, as far as the tensors tell them.
  public let sizes: [String: Int]
  /// What a whole one has besides, for people: `its vision part`.
  package let lacking: [String]
  /// The part of that without which nothing is computed; nil where there is all.
  package let lackingToCompute: String?
  /// Its parts with their numbers.
  private let instances: [Instance]

  /// One part at one set of numbers.
  struct Instance: Sendable {
    let part: Int
    let numbers: [String: Int]
    /// The modules that are there or have to be: position in the part, and shape.
    var modules: [(position: Int, shape: [Int?])] = []
  }

  /// More of anything that is counted is not believed.
  private static let largestNumber = 256

  /// Reads the sizes of a component off its tensors; nil when their names don't tell the counts.
  ///
  /// - Parameters:
  ///   - model: what it is.
  ///   - layout: the names the tensors have after `prefix`.
  ///   - prefix: what stands before every name.
  ///   - names: every tensor's full name.
  ///   - shape: the shape of the tensor of a full name, or nil.
  init?(
    of model: ComponentModel, layout: Layout, prefix: String, names: some Sequence<String>,
    shape: (String) -> [Int]?
  ) {
    var sizes: [String: Int] = [:]
    for number in model.numbers {
      guard let value = number.value(prefix: prefix, names: names) else {
        guard number.lacking != nil else { return nil }
        sizes[number.name] = 0
        continue
      }
      guard (1...Self.largestNumber).contains(value) else { return nil }
      sizes[number.name] = value
    }
    let absent = model.numbers.filter { sizes[$0.name] == 0 }
    lacking = absent.compactMap(\.lacking)
    lackingToCompute = absent.first(where: \.isComputedWith)?.lacking
    guard let naming = model.naming(of: layout) else { return nil }
    var instances = model.parts.indices.flatMap { Self.instances(of: $0, model, sizes) }
    // What each tells of sizes, before any shape is made of them: a later part may tell a size that an
    // earlier one has, too.
    var found: [(isThere: [Bool], sizes: [String: Int])] = []
    for instance in instances {
      var (isThere, own) = ([Bool](), [String: Int]())
      for (position, module) in model.parts[instance.part].modules.enumerated() {
        let shapes = module.kind.parameters.map { parameter in
          naming.names(of: instance, position, parameter.name, sizes)
            .compactMap { shape(prefix + $0) }.first
        }
        isThere.append(shapes.contains { $0 != nil })
        for (expression, size) in zip(module.shape, shapes[0] ?? []) {
          guard let symbol = expression.name, (1...Dimensions.largestSize).contains(size) else {
            continue
          }
          if !model.sizes.contains(symbol) {
            if own[symbol] == nil { own[symbol] = size }
          } else if sizes[symbol] == nil {
            sizes[symbol] = size
          }
        }
      }
      found.append((isThere, own))
    }
    for (position, facts) in found.enumerated() {
      let modules = model.parts[instances[position].part].modules
      func size(_ name: String) -> Int? { facts.sizes[name] ?? sizes[name] }
      instances[position].modules = modules.indices.compactMap { index in
        guard modules[index].isThere(facts.isThere[index], sizes: size) else { return nil }
        return (index, modules[index].shape.map { $0.value(size) })
      }
    }
    self.model = model
    self.sizes = sizes
    self.instances = instances
  }

  /// A part for each of its numbers.
  private static func instances(
    of part: Int, _ model: ComponentModel, _ sizes: [String: Int]
  ) -> [Instance] {
    model.parts[part].loops.reduce([Instance(part: part, numbers: [:])]) { instances, loop in
      let count = loop.count.value { sizes[$0] } ?? 0
      return instances.flatMap { instance in
        (0..<count).map { number in
          var numbers = instance.numbers
          numbers[loop.variable] = number
          return Instance(part: part, numbers: numbers)
        }
      }
    }
  }

  /// Whether a part has tensors here, by its canonical path.
  func has(_ path: String) -> Bool {
    let wanted = NumberedPath(path)
    return instances.contains { !$0.modules.isEmpty && model.parts[$0.part].path == wanted }
  }
}

extension ComponentArchitecture: NamedModel {
  /// Every tensor of this model under the names of a layout.
  public func entries(in layout: Layout) -> [LayoutEntry] {
    guard let naming = model.naming(of: layout) else { return [] }
    let canonical = model.namings[0]
    return instances.flatMap { instance -> [LayoutEntry] in
      let part = model.parts[instance.part]
      return instance.modules.flatMap { position, shape -> [LayoutEntry] in
        let module = part.modules[position]
        let ones = naming.parts[instance.part].modules[position].ones
        let path = canonical.names(of: instance, position, "", sizes)[0].dropLast()
        return module.kind.parameters.map { name, axes in
          let own = axes.map { Array(shape.prefix($0)) } ?? shape
          return LayoutEntry(
            names: naming.names(of: instance, position, name, sizes), parameter: name,
            parts: [(String(path), own[0])], trailing: Array(own.dropFirst()),
            onesAtEnd: axes == nil ? ones : 0, swapsHalves: false,
            isLinear: module.kind.isLinear && model.hasMatrices,
            isInBlock: part.isInBlock)
        }
      }
    }
  }

  /// Names without meaning that some files have.
  public var markers: [String] { model.ignored }

  /// Where config.json contradicts the tensors. A key that is absent is not looked at, nor one of what these
  /// tensors lack.
  package func check(_ configuration: Configuration) -> [CheckpointProblem] {
    var problems: [CheckpointProblem] = []
    if let name = configuration.className, !model.classes.contains(name),
      ModelFamily.ofTransformer(className: name) != nil
        || ComponentModel.all.contains(where: { $0.classes.contains(name) })
    {
      problems.append(
        .configuration(key: "_class_name", expected: model.classes[0], found: "'\(name)'"))
    }
    for (key, expression) in model.checks {
      let found = key.split(separator: ".").reduce(JSONValue?(configuration.json)) {
        $0?[String($1)]
      }
      guard let found, let expected = expression.value({ sizes[$0] }), expected != 0,
        found.integer != expected
      else { continue }
      problems.append(
        .configuration(key: key, expected: "\(expected)", found: found.text(.compact)))
    }
    return problems
  }

  /// The config.json of the published model that has these sizes, and whose that is; nil for none.
  package var publishedConfiguration: (configuration: JSONObject, owner: String)? {
    let found = model.published.first { published in
      published.sizes.allSatisfy { sizes[$0.name] == $0.value }
        && !published.absent.contains(where: has)
    }
    return found.map { ($0.configuration, $0.owner) }
  }
}

extension ComponentModel {
  /// What a layout calls the parts.
  func naming(of layout: Layout) -> Naming? {
    layouts.firstIndex { $0.name == layout.name }.map { namings[$0] }
  }
}

extension ComponentModel.Naming {
  /// Names of a parameter of a module, the one to write first; with a dot at the end where the parameter
  /// is empty.
  func names(
    of instance: ComponentArchitecture.Instance, _ module: Int, _ parameter: String,
    _ sizes: [String: Int]
  ) -> [String] {
    let part = parts[instance.part]
    let name = part.modules[module].name
    return ([part.path] + part.others).compactMap { path in
      path.path { instance.numbers[$0] ?? sizes[$0] }.map {
        $0 + (name.isEmpty ? "" : "." + name) + "." + parameter
      }
    }
  }
}

extension ComponentModel.Module {
  /// Whether a model of some sizes has this module.
  fileprivate func isThere(_ isFound: Bool, sizes: (String) -> Int?) -> Bool {
    if let needed, sizes(needed) == 0 { return false }
    if isOptional { return isFound }
    guard unlessEqual.count == 2 else { return true }
    guard let left = sizes(unlessEqual[0]), let right = sizes(unlessEqual[1]) else {
      return isFound
    }
    return left != right
  }
}

extension ComponentModel.NumberSource {
  /// The number that some names tell; nil when none does.
  fileprivate func value(prefix: String, names: some Sequence<String>) -> Int? {
    for pattern in patterns {
      let head = Array((prefix + pattern.head).utf8)
      var found = Set<Int>()
      for name in names where name.utf8.starts(with: head) {
        let rest = name.utf8.dropFirst(head.count)
        guard
          let (number, digits) = blockNumber(
            at: name.utf8.span.extracting(droppingFirst: head.count))
        else { continue }
        let tail = rest.dropFirst(digits)
        let fits =
          pattern.tail.hasSuffix(".")
          ? tail.starts(with: pattern.tail.utf8) : tail.elementsEqual(pattern.tail.utf8)
        if fits { found.insert(number) }
      }
      guard !found.isEmpty else { continue }
      return (isFirst ? found.min() ?? 0 : found.count) + added
    }
    return nil
  }
}
