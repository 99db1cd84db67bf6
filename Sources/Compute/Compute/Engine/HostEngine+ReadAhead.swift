internal import Dispatch
internal import Synchronization
internal import Tensors

extension HostEngine {
  private static let reading = DispatchQueue(label: "glance.read-ahead")
  private static let requests = Atomic<Int>(0)

  /// Has the files' pages read on a thread of its own: to ask for them takes a moment each time, also where
  /// they are in memory. Where the disk is slower than the work, requests are left out that two newer ones
  /// have overtaken.
  package func prepare(_ layers: [LinearLayer]) {
    let number = Self.requests.add(1, ordering: .relaxed).newValue
    Self.reading.async {
      for layer in layers where Self.requests.load(ordering: .relaxed) < number + 2 {
        layer.weight.stored.willNeed()
      }
    }
  }
}
