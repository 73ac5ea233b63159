import time
from datetime import timedelta
from tests.activities.hosts.conftest import over_ssh
from activities.hosts.lines import Lines
import paramiko
def test_lat(sshd, tmp_path):
    l=Lines(); line=l.take(over_ssh(sshd), lambda: None)
    t=line.client.result().get_transport()
    for i in range(8):
        a=time.perf_counter(); ch=t.open_session(timeout=5); b=time.perf_counter(); ch.exec_command("true"); c=time.perf_counter(); ch.shutdown_write(); ch.recv(10); d=time.perf_counter(); ch.recv_exit_status(); e=time.perf_counter(); ch.close()
        print([round(x*1000,1) for x in (b-a,c-b,d-c,e-d)])
    l.close()
