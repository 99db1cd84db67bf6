internal import Dispatch
internal import Tensors

extension HostEngine {
  private static let reading = DispatchQueue(label: "glance.read-ahead")

  /// Has the files' pages read on a thread of its own: to ask for them takes a moment each time, also where
  /// they are in memory.
  package func prepare(_ layers: [LinearLayer]) {
    Self.reading.async { for layer in layers { layer.weight.stored.willNeed() } }
  }
}
