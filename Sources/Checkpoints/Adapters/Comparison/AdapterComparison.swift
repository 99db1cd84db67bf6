internal import Concurrency
internal import Tensors

/// How two adapters differ in what they do: the changes scale · up · down of every module compared,
/// whatever their ranks, dtypes and dialects.
///
/// Norms are Frobenius norms, of effective changes. Nothing is multiplied out: an inner product of
/// two low-rank matrices follows from inner products of their factors' columns and rows.
///
/// Accuracy: norms and cosines are right to some 1e-13, relative to the norms of the factors. A
/// difference is right to 1e-8 of itself or 1e-14 of the norms, whichever is larger: the same
/// change in other factors has a difference of about 1e-16 of its norm.
public struct AdapterComparison: Sendable {
  /// One module of either adapter.
  public struct Module: Sendable, Equatable {
    /// Canonical path; of a text encoder's module with the component before it.
    public let path: String
    /// Norm of the first adapter's change; 0 when it lacks the module.
    public let normA: Double
    /// Norm of the second adapter's change; 0 when it lacks the module.
    public let normB: Double
    /// Norm of the first change minus the second.
    public let differenceNorm: Double
    /// Cosine of the angle between the two changes; nil when one is absent or zero, or when their
    /// shapes differ.
    public let cosine: Double?
  }

  /// Norms over several modules.
  public struct Total: Sendable, Equatable {
    /// Norm of the first adapter's changes.
    public let normA: Double
    /// Norm of the second adapter's changes.
    public let normB: Double
    /// Norm of the differences.
    public let differenceNorm: Double
    /// Cosine of the angle between all changes; nil when one adapter changes nothing.
    public let cosine: Double?
  }

  /// Every module, in the order of the first adapter, then those that only the second has.
  public let modules: [Module]
  /// All modules taken as one vector; a module that an adapter lacks counts as zero.
  public let total: Total
  /// Paths that only the first adapter has.
  public let onlyInA: [String]
  /// Paths that only the second adapter has.
  public let onlyInB: [String]
  /// Paths that both have with other sizes; they are counted as having nothing in common.
  public let differentShapes: [String]

  /// Compares two adapters, in the low-rank changes of all components, whose factors are of floating types.
  /// Reads all factors.
  public init(_ a: Adapter, _ b: Adapter) {
    let pairs = Self.pairs(a, b)
    let work = pairs.reduce(0) { $0 + ($1.a?.work ?? 0) + ($1.b?.work ?? 0) }
    let products = Parallel.map(pairs.count, work: work) { index in
      InnerProducts(pairs[index].a, pairs[index].b)
    }
    modules = zip(pairs, products).map { pair, product in
      Module(
        path: pair.path, normA: product.squareA.squareRoot(), normB: product.squareB.squareRoot(),
        differenceNorm: product.differenceNorm,
        cosine: pair.areComparable ? product.cosine : nil)
    }
    total = Self.total(products)
    onlyInA = pairs.filter { $0.b == nil }.map(\.path)
    onlyInB = pairs.filter { $0.a == nil }.map(\.path)
    differentShapes = pairs.filter { $0.a != nil && $0.b != nil && !$0.areComparable }.map(\.path)
  }

  /// Whether both change the same modules by the same amounts, up to what the comparison can tell
  /// apart: 1e-8 of the norm of the changes.
  public var isIdentical: Bool {
    onlyInA.isEmpty && onlyInB.isEmpty && differentShapes.isEmpty
      && total.differenceNorm <= 1e-8 * max(total.normA, total.normB)
  }

  /// The norms over the modules that a condition selects, such as those of one block.
  public func total(where isIncluded: (_ path: String) -> Bool) -> Total {
    Self.total(
      modules.filter { isIncluded($0.path) }.map {
        InnerProducts(
          squareA: $0.normA * $0.normA, squareB: $0.normB * $0.normB,
          product: ($0.cosine ?? 0) * $0.normA * $0.normB, differenceNorm: $0.differenceNorm)
      })
  }

  /// The norms of every block, in the order in which the modules come; see ``Swift/String/blockName``.
  public var blocks: [(name: String, total: Total)] {
    modules.map(\.path).blockNames.map { name in (name, total { $0.blockName == name }) }
  }

  private static func total(_ products: [InnerProducts]) -> Total {
    let squareA = products.reduce(0) { $0 + $1.squareA }
    let squareB = products.reduce(0) { $0 + $1.squareB }
    let difference = products.reduce(0) { $0 + $1.differenceNorm * $1.differenceNorm }
    let sum = InnerProducts(
      squareA: squareA, squareB: squareB, product: products.reduce(0) { $0 + $1.product },
      differenceNorm: difference.squareRoot())
    return Total(
      normA: squareA.squareRoot(), normB: squareB.squareRoot(),
      differenceNorm: sum.differenceNorm, cosine: sum.cosine)
  }

  /// A module as each adapter has it.
  private struct Pair: Sendable {
    let path: String
    let a: AdapterModule?
    let b: AdapterModule?

    var areComparable: Bool {
      guard let a, let b else { return false }
      return a.inFeatures == b.inFeatures && a.outFeatures == b.outFeatures
    }
  }

  private static func pairs(_ a: Adapter, _ b: Adapter) -> [Pair] {
    let (ofA, ofB) = (a.namedModules, b.namedModules)
    let (indexA, indexB) = (TensorIndex(ofA.map(\.name)), TensorIndex(ofB.map(\.name)))
    return ofA.map { name, module in
      Pair(path: name, a: module, b: indexB[name].map { ofB[$0].module })
    }
      + ofB.filter { indexA[$0.name] == nil }.map { Pair(path: $0.name, a: nil, b: $0.module) }
  }
}

extension Adapter {
  /// The modules of all components with their names.
  fileprivate var namedModules: [(name: String, module: AdapterModule)] {
    parts.flatMap { component, part in
      part.modules.map { (Adapter.name(of: $0.path, in: component), $0) }
    }
  }
}

extension AdapterModule {
  /// Roughly how many operations the inner products of the factors take.
  fileprivate var work: Int { 4 * rank * rank * (inFeatures + outFeatures) }
}
