internal import Checkpoints
internal import Tensors

/// Which family an adapter is for, by the names and shapes of its modules and by what its metadata
/// say.
///
/// Names alone don't tell: FLUX.2 and Chroma have FLUX.1's, and Stable Diffusion 3 has diffusers'
/// names of both families. Shapes tell most of these; where even they are the same, only the metadata
/// do.
struct FamilyChoice {
  /// The families that have most of the modules, as far as they can't be told apart; none for a model
  /// that isn't read.
  var families: [ModelFamily]
  /// The model that the adapter is for, when it is one that isn't read.
  private(set) var otherModel: String?
  /// What speaks against the choice, and what isn't read.
  private(set) var problems: [AdapterProblem] = []
  /// Statements that are not true of the choice.
  private(set) var untrue: [StatedModel] = []

  /// A module of the file.
  final class Module {
    /// Its name in the file.
    let name: String
    /// The path in its name.
    let path: String
    /// What the path can mean.
    let meanings: [ModuleNames.Meaning]
    /// Rows and columns of its change, where they are known.
    let shape: (rows: Int, columns: Int)?

    init(_ entry: AdapterFile.Entry) {
      name = entry.name
      path = entry.fileName.path
      meanings = ModuleNames.shared.meanings(of: path)
      shape = entry.changedShape
    }
  }

  /// - Parameters:
  ///   - modules: the transformer's.
  ///   - statements: what the metadata say.
  ///   - asked: the family that the caller says it is for; then nothing is refused.
  init(_ modules: [Module], _ statements: [StatedModel], asked: ModelFamily?) {
    families = asked.map { [$0] } ?? Self.families(of: modules, statements)
    guard asked == nil else {
      judge(statements, isAsked: true)
      return
    }
    if let other = OtherModelEvidence(modules, families: families, statements) {
      otherModel = other.title
      problems = [.otherModel(title: other.title, evidence: other.evidence)]
      families = []
    } else {
      judge(statements, isAsked: false)
    }
  }

  /// Compares what is said with what was found.
  private mutating func judge(_ statements: [StatedModel], isAsked: Bool) {
    guard !families.isEmpty else { return }
    untrue = statements.filter { statement in
      !families.contains { $0.name == statement.model.family }
    }
    for isDeclared in [true, false] {
      let found = untrue.filter { $0.isDeclared == isDeclared }
      var titles: [String] = []
      for title in found.map(\.model.title) where !titles.contains(title) { titles.append(title) }
      problems += titles.map { title in
        .otherFamilyStated(
          found: families.map(\.name), stated: title,
          statements: found.filter { $0.model.title == title }.map(\.text),
          isRefused: isDeclared && !isAsked)
      }
    }
  }

  /// Notes when names that several families have mean different modules of them.
  mutating func checkAmbiguity(_ modules: [Module]) {
    guard families.count > 1 else { return }
    let isAmbiguous = modules.contains { module in
      let meanings = families.map { family in
        module.meaning(in: family)
      }
      return meanings.contains {
        $0?.paths != meanings[0]?.paths || $0?.swapsHalves != meanings[0]?.swapsHalves
      }
    }
    if isAmbiguous { problems.append(.ambiguousFamily(families.map(\.name))) }
  }

  /// The families that have most of the modules. Where several have as many, the metadata may say
  /// which, or the shapes of published models, or a block number that is beyond a family's largest.
  private static func families(
    of modules: [Module], _ statements: [StatedModel]
  ) -> [ModelFamily] {
    let counts = ModelFamily.all.map { family in
      modules.count { $0.meaning(in: family) != nil }
    }
    guard let most = counts.max(), most > 0 else { return [] }
    let candidates = zip(ModelFamily.all, counts).filter { $0.1 == most }.map(\.0)
    guard candidates.count > 1 else { return candidates }
    for isDeclared in [true, false] {
      let named = candidates.filter { family in
        statements.contains { $0.isDeclared == isDeclared && $0.model.family == family.name }
      }
      if named.count == 1 { return named }
    }
    let published = candidates.filter { family in
      modules.allSatisfy { $0.hasPublishedShape(in: family) }
    }
    if published.count == 1 { return published }
    let largeEnough = candidates.filter { family in
      modules.allSatisfy { $0.meaning(in: family)?.isInLargestModel ?? true }
    }
    return largeEnough.isEmpty ? candidates : largeEnough
  }
}

extension FamilyChoice.Module {
  func meaning(in family: ModelFamily) -> ModuleNames.Meaning? {
    meanings.first { $0.isOf(family) }
  }

  /// Whether the shape is that of the family's published models; true where nothing speaks against
  /// it.
  func hasPublishedShape(in family: ModelFamily) -> Bool {
    guard let shape, let meaning = meaning(in: family) else { return true }
    return meaning.allows(rows: shape.rows, columns: shape.columns) { name in
      family.publishedSizes.first { $0.name == name }?.value
    }
  }

  /// Whether the shape is one that the family has at some width; true where nothing speaks against
  /// it.
  func hasUsualShape(in family: ModelFamily) -> Bool {
    guard let shape, let meaning = meaning(in: family) else { return true }
    let parts = meaning.templates
    return [shape.rows, shape.columns].contains { width in
      var sizes = ["hidden": width]
      for dimension in family.dimensions where sizes[dimension.name] == nil {
        sizes[dimension.name] = dimension.usual?.value { sizes[$0] }
      }
      // A width that is neither the module's rows nor its columns proves nothing.
      let texts = parts.map(\.outFeatures.text) + parts.compactMap { $0.inFeatures?.text }
      guard texts.contains("hidden") else { return true }
      return meaning.allows(rows: shape.rows, columns: shape.columns) { sizes[$0] }
    }
  }
}

extension ModuleNames.Meaning {
  /// Whether a change of this shape fits with these sizes; sizes that aren't known fit all.
  fileprivate func allows(rows: Int, columns: Int, _ size: (String) -> Int?) -> Bool {
    let parts = templates
    if let expected = parts[0].inFeatures?.value(size), expected != columns { return false }
    let heights = parts.map { $0.outFeatures.value(size) }
    let known = heights.compactMap(\.self)
    return known.count < heights.count || known.reduce(0, +) == rows
  }
}
