internal import Elements
internal import JSON
internal import Tensors
internal import Text

/// Tells how a module's weight is stored: by its note, the types of its tensors and what they are
/// called, the most specific form first.
struct StorageJudge {
  private let words = Recognition.shared.storageWords
  private let notes: StorageNotes
  private let tensors: [TensorDescription]
  /// What config.json says of quantised weights; nil when it says nothing.
  private let statement: QuantizationStatement?
  /// The types of codes that are known of the method that config.json names: SDNQ scales floats, too.
  private let statedTypes: Set<DType>
  /// The shapes that weights have in the model, by their names, as far as they are known.
  private let shapes: [String: [Int?]]
  /// Tensors that mark a component, by position.
  let markers: [Int]

  init(
    _ tensors: [TensorDescription], notes: StorageNotes, configuration: Configuration?,
    shapes: [String: [Int?]]
  ) {
    self.tensors = tensors
    self.shapes = shapes
    self.notes = notes
    let statement = QuantizationStatement(configuration)
    self.statement = statement
    statedTypes = Set(
      statement.map { said in StorageRule.all.filter { $0.method == said.method }.flatMap(\.dtypes)
      } ?? [])
    let names = words.markers
    markers = tensors.indices.filter { position in
      let name = tensors[position].name
      return names.contains { name.utf8HasSuffix($0) && StoredName(name).name == $0 }
    }
  }

  /// Whether a tensor of this type may be codes that mean nothing without something beside them.
  func mayBeCodes(_ dtype: DType) -> Bool { dtype.mayBeCodes || statedTypes.contains(dtype) }

  /// How a module is stored, and which of all tensors has the codes; nil for a plain one.
  func layer(of group: StoredGroup) -> (StoredLayer, weight: Int, StorageRule?)? {
    let note = notes.note(ofLayer: group.path)
    let marker = marker(of: group.path)
    // A note that isn't at hand is none that isn't understood.
    let unseen = notes.isMissing(ofLayer: group.path) ? words.note : nil
    let description = notes.description(ofLayer: group.path)
    let model = shapes[group.parameter]
    var unsaid: String?
    for rule in StorageRule.all {
      guard let weight = group.member(rule.weight), rule.isDescribed(by: description),
        rule.fits(group, weight, note, marker, statement?.method, unseen: unseen)
      else { continue }
      if let other = rule.otherwiseSaid(of: group.path, statement) {
        unsaid = unsaid ?? other
        continue
      }
      func found(
        _ form: StoredForm, _ reason: String? = nil, codes: BlockType? = nil, shape: [Int]? = nil,
        order: CodeOrder = .rows, scales: [LayerScale] = [], finish: LayerFinish? = nil
      ) -> (StoredLayer, weight: Int, StorageRule?) {
        (
          layer(
            group, weight, form, note, marker, codes: codes, shape: shape, order: order,
            scales: scales, finish: finish, reason: reason), weight.tensor, rule
        )
      }
      if let reason = contradiction(note) { return found(.unknown, reason) }
      guard rule.form.isRead else {
        let shape = rule.knownShape(group, weight, description, model, statement)
        if let unsaid = unsaid ?? statedType(of: group.path, rule) {
          let advice = statement == nil ? nil : rule.adviceWhereSaid
          return found(rule.form.unread(saying: unsaid, advice: advice), unsaid, shape: shape)
        }
        return found(
          rule.form,
          missingScale(group, weight, note, marker) ?? rule.unreadType(description), shape: shape)
      }
      if let statement {
        guard statement.allows(rule.form) else { return found(.unknown, configurationText) }
        if let reason = statement.obstacle {
          return found(
            rule.form.unread, reason,
            shape: rule.knownShape(group, weight, description, model, statement))
        }
      }
      let type = rule.form.codes?.type(note)
      if rule.form.codes != nil, type == nil { return found(unreadable(rule.form, note)) }
      do throws(UnreadLayer) {
        let (shape, order) = try rule.weightShape(group, weight, description, model, codes: type)
        return found(
          rule.form, codes: type, shape: shape, order: order,
          scales: try rule.form.scales.map { scale throws(UnreadLayer) in
            try scale.resolved(
              group.path, codes: weight.description.shape, description, statement)
          },
          finish: try rule.form.finish?.resolved(
            group, shape: shape ?? weight.description.shape, statement))
      } catch {
        return found(
          rule.form.unread, error.reason,
          shape: rule.knownShape(group, weight, description, model, statement))
      }
    }
    if let weight = codes(of: group) {
      guard let (form, reason) = unread(group, weight, note, marker) else { return nil }
      return (layer(group, weight, form, note, marker, reason: reason), weight.tensor, nil)
    }
    // A bias, beside a weight of plain numbers.
    for member in group.members where member.description.dtype.isSmall && isPlain(member.name) {
      let part = group.part(of: member)
      guard part.members.count > 1 else { continue }
      return (layer(part, member, .unknown, nil, nil, reason: nil), member.tensor, nil)
    }
    return nil
  }

  /// What config.json says the type of a layer's codes is that isn't read, where that is one that no form has which is
  /// read; nil where it isn't so.
  private func statedType(of path: String, _ rule: StorageRule) -> String? {
    guard let statement, let key = rule.bitsKey, let type = statement.value(key, ofLayer: path),
      type != .null,
      !StorageRule.all.contains(where: { other in
        other.form.isRead && other.form.name == rule.form.name
          && other.statement.contains { $0.key == key && $0.values.contains(type) }
      })
    else { return nil }
    return "\(statement.place) says '\(key)': \(type.text())"
  }

  private func layer(
    _ group: StoredGroup, _ weight: StoredGroup.Member, _ form: StoredForm,
    _ note: StorageNotes.Note?, _ marker: String?, codes: BlockType? = nil, shape: [Int]? = nil,
    order: CodeOrder = .rows, scales: [LayerScale] = [], finish: LayerFinish? = nil,
    reason: String?
  ) -> StoredLayer {
    let helpers = group.members.filter { $0.tensor != weight.tensor && !isPlain($0.name) }
    return StoredLayer(
      path: group.path, weight: weight.description.name, dtype: weight.description.dtype,
      helpers: helpers.map(\.description.name), form: form, codes: codes, shape: shape,
      order: order, scales: scales, finish: finish, note: note, marker: marker, reason: reason)
  }

  /// What two notes say of a layer, where that isn't the same; nil where it is, or there is one.
  private func contradiction(_ note: StorageNotes.Note?) -> String? {
    guard let note, let other = note.contradiction else { return nil }
    return "its own note says \(JSONValue.object(note.object).text()), the header "
      + JSONValue.object(other).text()
  }

  /// A form that is read, but for what a layer's note says of its codes.
  private func unreadable(_ form: StoredForm, _ note: StorageNotes.Note?) -> StoredForm {
    let key = form.codes?.key ?? ""
    let known = (form.codes?.types.values ?? [:].values).map(\.elementCount).sorted()
    return StoredForm(
      name: form.name,
      title: "\(form.title) whose '\(key)' is \(note?[key]?.text() ?? "missing"), expected one of "
        + known.map { "\($0)" }.joined(separator: ", "))
  }

  /// The codes of a module that fits no rule: its weight when that is of few bits or packed integers
  /// with something beside them, else a matrix that may be codes and has something like a scale.
  private func codes(of group: StoredGroup) -> StoredGroup.Member? {
    if let weight = group.member("weight") {
      let dtype = weight.description.dtype
      if dtype.isUnreadable { return weight }
      guard dtype.mayBeCodes else { return nil }
      let isAlone = group.members.allSatisfy { $0.tensor == weight.tensor || isPlain($0.name) }
      return isAlone && statement == nil ? nil : weight
    }
    let hasCompanion = group.members.contains { member in
      words.companionWords.contains { member.name.contains($0) }
    }
    guard hasCompanion, group.members.count > 1 else { return nil }
    return group.members.first { member in
      member.description.dtype.mayBeCodes && member.description.shape.count > 1
        && !words.companionWords.contains { member.name.hasSuffix($0) }
    }
  }

  /// The form of codes that fit no rule, and why they can't be read; nil when they are plain numbers.
  private func unread(
    _ group: StoredGroup, _ weight: StoredGroup.Member, _ note: StorageNotes.Note?,
    _ marker: String?
  ) -> (form: StoredForm, reason: String?)? {
    let companions = group.members.filter { $0.tensor != weight.tensor && !isPlain($0.name) }
    let (dtype, shape) = (weight.description.dtype, weight.description.shape)
    if let format = note?.object["format"]?.string, !StorageRule.isReadFormat(format) {
      return (StoredForm(name: format, title: "'\(format)'"), nil)
    }
    if let reason = missingScale(group, weight, note, marker) { return (.unknown, reason) }
    if !companions.isEmpty { return (.unknown, nil) }
    if statement != nil { return (.unknown, configurationText) }
    if !dtype.isWidenable, shape.count > 1 { return (.unknown, "no numbers that are read") }
    return nil
  }

  /// Which scale a layer lacks that its note or marker promises; nil when it lacks none.
  private func missingScale(
    _ group: StoredGroup, _ weight: StoredGroup.Member, _ note: StorageNotes.Note?,
    _ marker: String?
  ) -> String? {
    guard note != nil || marker != nil && weight.description.shape.count > 1 else { return nil }
    for rule in StorageRule.all
    where rule.form.isRead && rule.dtypes.contains(weight.description.dtype)
      && (note == nil ? rule.marker != nil : rule.note != nil)
      && rule.saysSame(note) && group.member(rule.weight)?.tensor == weight.tensor
    {
      let missing = rule.needs.first { group.member($0.name) == nil }
      if let missing {
        return "codes without their scale '\(group.path).\(missing.name)': is the file whole?"
      }
    }
    return nil
  }

  private var configurationText: String {
    guard let statement else { return "" }
    return statement.place == Configuration.quantizationFileName
      ? "\(statement.place) is of '\(statement.method)'"
      : "config.json has a \(statement.key) of '\(statement.method)'"
  }

  private func isPlain(_ name: String) -> Bool {
    words.plainParameters.contains { $0.sameBytes(as: name) }
  }

  /// The marker of the component that a module is in.
  private func marker(of path: String) -> String? {
    for position in markers {
      let name = tensors[position].name
      let prefix = name.utf8.dropLast(StoredName(name).name.utf8.count)
      if prefix.isEmpty || path.utf8.starts(with: prefix) { return name }
    }
    return nil
  }

  /// A tensor of codes as the model's weight.
  func parameter(
    _ tensor: TensorDescription, of layer: StoredLayer, _ rule: StorageRule?
  ) -> TensorDescription {
    guard let rule else { return tensor }
    var shape = layer.shape ?? tensor.shape
    if layer.shape == nil, let columns = shape.last {
      shape[shape.count - 1] = columns &* rule.elementsPerCode
    }
    return TensorDescription(name: layer.parameter, dtype: tensor.dtype, shape: shape)
  }
}

extension StorageRule {
  /// Whether a note's format is one of those whose numbers are read.
  fileprivate static func isReadFormat(_ format: String) -> Bool {
    all.contains { rule in
      rule.form.isRead
        && rule.note?.contains { $0.key == "format" && $0.value.string == format }
          ?? false
    }
  }
}

extension DType {
  /// Whether elements are codes when something stands beside them, or no numbers that are read.
  fileprivate var isUnreadable: Bool { isSmall || !isWidenable && isFloatingPoint || self == .c64 }
}
