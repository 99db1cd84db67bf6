internal import Checkpoints

/// What shows that an adapter is for a model that isn't read here.
struct OtherModelEvidence {
  /// Name of the model for people.
  let title: String
  /// What shows it, in words.
  private(set) var evidence: [String]

  /// Nil when nothing shows it.
  ///
  /// - Parameters:
  ///   - modules: the transformer's.
  ///   - families: those that have most of the names.
  ///   - statements: what the metadata say.
  init?(
    _ modules: [FamilyChoice.Module], families: [ModelFamily], _ statements: [StatedModel]
  ) {
    let others = AdaptedModels.shared.models.filter { $0.family == nil }
    let found =
      Self.byNames(modules, families, others) ?? Self.byShapes(modules, families, others)
      ?? Self.byWidth(modules, families, others, statements)
    guard let found else {
      // Names of no known model: what the file says is all there is.
      guard families.isEmpty, let stated = statements.first(where: { $0.model.family == nil })
      else { return nil }
      title = stated.model.title
      evidence = [stated.text]
      return
    }
    let saying = statements.filter { statement in
      statement.model.title == found.model.title
        || (found.model.kind != nil && statement.model.kind == found.model.kind)
    }
    title = saying.first?.model.title ?? found.model.title
    evidence = [found.text] + saying.map(\.text)
  }

  private typealias Found = (model: AdaptedModels.Model, text: String)

  /// A model that has names which no family that is read has: all that those lack, or more than they
  /// have.
  private static func byNames(
    _ modules: [FamilyChoice.Module], _ families: [ModelFamily], _ models: [AdaptedModels.Model]
  ) -> Found? {
    let unknown = modules.filter { module in
      !families.contains { module.meaning(in: $0) != nil }
    }
    let found = models.map { model in
      (
        model: model,
        modules: unknown.filter { module in model.names.contains { $0.matches(module.path) } }
      )
    }
    guard let best = found.max(by: { $0.modules.count < $1.modules.count }),
      let example = best.modules.first,
      best.modules.count == unknown.count || best.modules.count > modules.count - unknown.count
    else { return nil }
    return (best.model, "names such as '\(example.name)'")
  }

  /// A model whose shapes fit where those of the families don't.
  private static func byShapes(
    _ modules: [FamilyChoice.Module], _ families: [ModelFamily], _ models: [AdaptedModels.Model]
  ) -> Found? {
    let unusual = unusual(modules, families)
    if unusual.isEmpty { return nil }
    for model in models {
      let module = unusual.first { module in
        guard let shape = module.shape else { return false }
        return model.shapes.contains { path, expected in
          expected.fits(out: shape.rows, in: shape.columns) && path.matches(module.path)
        }
      }
      if let module, let shape = module.shape {
        return (model, "the shape [\(shape.rows), \(shape.columns)] of '\(module.name)'")
      }
    }
    return nil
  }

  /// The modules whose shapes none of the families has. Blocks repeat: what was judged in one isn't judged
  /// again in the next.
  private static func unusual(
    _ modules: [FamilyChoice.Module], _ families: [ModelFamily]
  ) -> [FamilyChoice.Module] {
    struct Kind: Hashable {
      let modules: [[Int]?]
      let rows: Int
      let columns: Int
    }
    var judged: [Kind: Bool] = [:]
    return modules.filter { module in
      guard let shape = module.shape else { return false }
      let kind = Kind(
        modules: families.map { module.meaning(in: $0)?.modules }, rows: shape.rows,
        columns: shape.columns)
      if let known = judged[kind] { return known }
      let isUnusual = families.allSatisfy { !module.hasUsualShape(in: $0) }
      judged[kind] = isUnusual
      return isUnusual
    }
  }

  /// A model that has the names of a family at another width, where the file doesn't say that it is
  /// for that family.
  private static func byWidth(
    _ modules: [FamilyChoice.Module], _ families: [ModelFamily], _ models: [AdaptedModels.Model],
    _ statements: [StatedModel]
  ) -> Found? {
    guard let family = families.first else { return nil }
    let isSaid = statements.contains { statement in
      statement.isDeclared && families.contains { $0.name == statement.model.family }
    }
    if isSaid { return nil }
    let widths = Set(
      modules.compactMap { module -> Int? in
        let meaning = module.meaning(in: family)
        let columns = meaning.flatMap { family.modules[$0.modules[0]].inFeatures }
        return columns?.text == "hidden" ? module.shape?.columns : nil
      })
    guard widths.count == 1, let width = widths.first,
      let model = models.first(where: { model in
        model.widths.contains(width)
          && modules.allSatisfy { module in model.shared.contains { $0.matches(module.path) } }
      })
    else { return nil }
    return (model, "a width of \(width)")
  }
}
